using Patchwork.Samples;

// Runs an exported file in an ML.NET pipeline:
//     dotnet run -- pictures.onnx new.jpg other.jpg
if (args.Length < 2)
{
    Console.Error.WriteLine("Usage: MlNet FILE.onnx PICTURE..., where FILE.onnx was written by `patchwork export`.");
    return 2;
}
foreach (var answer in MlNetPipeline.Score(args[0], args[1..]))
    Console.WriteLine($"{answer.Path}: {answer.Class} {answer.Probability:P1}");
return 0;
