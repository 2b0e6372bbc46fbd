using Patchwork.Samples;

// An exported file inside an ML.NET pipeline:
//     dotnet run -- pictures.onnx new.jpg other.jpg
if (args.Length < 2)
{
    Console.Error.WriteLine("Give a file that `patchwork export` wrote, and pictures.");
    return 2;
}
foreach (var answer in MlNetPipeline.Score(args[0], args[1..]))
    Console.WriteLine($"{answer.Path}: {answer.Class} {answer.Probability:P1}");
return 0;
