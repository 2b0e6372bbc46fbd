using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Patchwork.Inference;
using Patchwork.Models;
using Patchwork.Onnx;
using Patchwork.Randomness;
using Patchwork.Samples;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Samples;

/// <summary>
/// Tests the programs that use an exported file: the web service, as a separate process over HTTP, and the ML.NET pipeline.
/// </summary>
public sealed class WebServiceTests : IDisposable
{
    private static readonly string[] Classes = ["blue", "green", "red"];
    private readonly PictureSet files = new PictureSet().Paint(perClass: 2);

    public void Dispose() => files.Dispose();

    private string Export(string name, ulong seed)
    {
        using var model = new SeedStream(seed).Network(() => ModelZoo.Create("resnet8", Classes.Length));
        model.eval();
        new OnnxExport().Write(files.At(name), model, new ModelCard("resnet8", Classes, 3, 16, 16, [0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]));
        return files.At(name);
    }

    private static ProcessStartInfo Program(params string[] arguments)
    {
        var folder = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;      // Debug, Release
        var program = Repository.File($"samples/04-web-service/bin/{folder}/net10.0/WebService.dll");
        return new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
    }

    [Fact]
    public async Task The_service_classifies_rejects_invalid_input_and_reloads_the_model_while_it_runs()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var model = Export("served.onnx", seed: 1);
        using var service = Process.Start(Program("--Model", model, "--urls", "http://127.0.0.1:0"))!;
        try
        {
            const string listening = "Now listening on: ";
            string? line;
            do
                line = await service.StandardOutput.ReadLineAsync(cancellation);
            while (line is not null && !line.Contains(listening, StringComparison.Ordinal));
            Assert.NotNull(line);
            var rest = service.StandardOutput.ReadToEndAsync(cancellation);      // otherwise the service would wait for a reader
            using var client = new HttpClient { BaseAddress = new Uri(line[(line.IndexOf(listening, StringComparison.Ordinal) + listening.Length)..]) };

            var health = await client.GetFromJsonAsync<JsonNode>("/health", cancellation);
            Assert.Equal(Classes, health!["classes"]!.AsArray().Select(name => (string)name!));
            Assert.Contains("/classify", await client.GetStringAsync("/openapi/v1.json", cancellation), StringComparison.Ordinal);

            var picture = File.ReadAllBytes(Path.Combine(files.Pictures, "red", "001.png"));
            async Task<double[]> Ask()
            {
                using var response = await client.PostAsync("/classify", new ByteArrayContent(picture), cancellation);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                var answer = (await response.Content.ReadFromJsonAsync<JsonNode>(cancellation))!;
                var top = answer["top"]!.AsArray().ToDictionary(one => (string)one!["class"]!, one => (double)one!["probability"]!);
                return [.. Classes.Select(name => top[name])];
            }
            double[] Own(string file)
            {
                using var classifier = OnnxClassifier.Load(file);
                return [.. classifier.Classify(picture, cancellation).Probabilities];
            }
            var first = Own(model);
            Assert.Equal(first, await Ask());

            async Task<(HttpStatusCode, string)> Refused(byte[] body)
            {
                // Otherwise the client keeps sending after the service has rejected the request and closed the connection.
                using var request = new HttpRequestMessage(HttpMethod.Post, "/classify") { Content = new ByteArrayContent(body) };
                request.Headers.ExpectContinue = true;
                using var response = await client.SendAsync(request, cancellation);
                Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
                return (response.StatusCode, (string)(await response.Content.ReadFromJsonAsync<JsonNode>(cancellation))!["detail"]!);
            }
            var (status, sentence) = await Refused([1, 2, 3]);
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("Copy it again", sentence, StringComparison.Ordinal);
            (status, sentence) = await Refused(Bomb());
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("25 megapixels", sentence, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await Refused(new byte[11 << 20])).Item1);

            // A file that cannot be used changes nothing; one that can is soon in use.
            File.WriteAllBytes(model, [1, 2, 3]);
            File.SetLastWriteTimeUtc(model, DateTime.UtcNow.AddMinutes(1));
            await Task.Delay(1500, cancellation);
            Assert.Equal(first, await Ask());
            var second = Own(Export("other.onnx", seed: 2));
            Assert.NotEqual(first, second);
            File.Move(files.At("other.onnx"), model, overwrite: true);
            File.SetLastWriteTimeUtc(model, DateTime.UtcNow.AddMinutes(2));
            for (var wait = 0; wait < 100 && (await Ask())[0] != second[0]; wait++)
                await Task.Delay(100, cancellation);
            Assert.Equal(second, await Ask());
        }
        finally
        {
            service.Kill();
        }
    }

    // A PNG file of a few bytes that claims to have 60,000 × 60,000 pixels.
    private byte[] Bomb()
    {
        var path = PictureFiles.WriteNoise(files.At("bomb.png"), 4, 4);
        PictureFiles.ClaimSize(path, 60_000, 60_000);
        return File.ReadAllBytes(path);
    }

    [Fact]
    public async Task The_service_exits_at_startup_if_the_model_cannot_be_used()
    {
        using var service = Process.Start(Program("--Model", files.At("none.onnx"), "--urls", "http://127.0.0.1:0"))!;
        var error = await service.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await service.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, service.ExitCode);
        Assert.Contains("none.onnx", error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    // Images of the network's size, because ML.NET resizes others in its own way.
    [Fact]
    public void ML_NET_makes_the_same_predictions_with_an_exported_file()
    {
        var model = Export("pictures.onnx", seed: 1);
        using var classifier = OnnxClassifier.Load(model);
        string[] pictures = [.. Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        var scored = MlNetPipeline.Score(model, pictures);
        Assert.Equal(pictures, scored.Select(one => one.Path));
        Assert.All(scored, one =>
        {
            var best = classifier.Classify(one.Path, TestContext.Current.CancellationToken).Best;
            Assert.Equal(best.Class, one.Class);
            Assert.Equal(best.Probability, one.Probability, 1e-5);
        });
    }
}
