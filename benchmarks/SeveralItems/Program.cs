// Writes a data set with several labels per image, made from the embedded photographs: each picture shows two or three items of clothing of
// different sizes, on an enlarged patch of another photograph and among small pieces of others. Photographs of the training set appear only
// in training pictures. Usage: SeveralItems FOLDER [TRAINING] [TEST]; writes FOLDER/labels.csv and FOLDER/pictures, with the same bytes
// every time.
using System.Globalization;
using Patchwork.Benchmarks;
using Patchwork.Data;
using Patchwork.Randomness;

if (args is not [var folder, .. var counts] || counts.Length > 2)
{
    Console.Error.WriteLine("Usage: SeveralItems FOLDER [TRAINING] [TEST]");
    return 2;
}
var numbers = counts.Select(count => int.Parse(count, CultureInfo.InvariantCulture)).ToArray();
var seeds = new SeedStream(2);
Directory.CreateDirectory(Path.Combine(folder, "pictures"));
using var list = new StreamWriter(Path.Combine(folder, "labels.csv")) { NewLine = "\n" };
list.WriteLine("file,labels,split");
Write("train", numbers is [var training, ..] ? training : 3000, new Scenes(pair => pair.Train));
Write("test", numbers is [_, var test] ? test : 1000, new Scenes(pair => pair.Test));
return 0;

void Write(string part, int count, Scenes scenes)
{
    for (var i = 0; i < count; i++)
    {
        var (picture, labels) = scenes.Draw(seeds.Open(part, index: i));
        var file = $"pictures/{part}-{i:D4}.png";
        File.WriteAllBytes(Path.Combine(folder, file), picture.Png());
        list.WriteLine($"{file},{string.Join('|', labels)},{part}");
    }
}
