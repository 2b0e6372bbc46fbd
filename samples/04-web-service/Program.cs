using System.Threading.RateLimiting;
using Patchwork;
using Patchwork.Onnx;
using Patchwork.Samples;

// Classifies pictures over HTTP:
//     dotnet run --Model pictures.onnx --urls http://localhost:5000
//     curl --data-binary @new.jpg http://localhost:5000/classify
// If the model's file is replaced, the new one is served within a second; an unusable file is reported, and the old one stays.

const long largestUpload = 10 << 20;           // bytes
const long largestPicture = 25_000_000;        // pixels; each takes four bytes during decoding
var atOnce = Environment.ProcessorCount;       // requests in progress; more would only wait and hold memory

var builder = WebApplication.CreateBuilder(args);
var model = builder.Configuration["Model"] ?? "pictures.onnx";
builder.WebHost.ConfigureKestrel(server => server.Limits.MaxRequestBodySize = largestUpload);
builder.Services.AddPatchwork(model, options: new() { LargestPixels = largestPicture });
builder.Services.AddHostedService(services => new ModelFile(model, services.GetRequiredService<OnnxClassifier>(),
    services.GetRequiredService<ILogger<ModelFile>>()));
builder.Services.AddRateLimiter(limits => limits.AddPolicy("pictures", _ => RateLimitPartition.GetConcurrencyLimiter("all",
    _ => new() { PermitLimit = atOnce, QueueLimit = 100 * atOnce, QueueProcessingOrder = QueueProcessingOrder.OldestFirst })));
builder.Services.AddProblemDetails();
builder.Services.AddOpenApi();

var app = builder.Build();
app.UseExceptionHandler(errors => errors.Run(Refusals.Answer));
app.UseRateLimiter();
app.MapOpenApi();
app.MapGet("/health", (OnnxClassifier classifier) => new Health(classifier.Card.Model, classifier.Classes));
app.MapPost("/classify", async (HttpRequest request, OnnxClassifier classifier, CancellationToken cancellation, int top = 3) =>
    {
        using var picture = new MemoryStream();
        await request.Body.CopyToAsync(picture, cancellation);
        var answer = classifier.Classify(picture.ToArray(), cancellation);
        return new Answer(answer.Shown, answer.Top(Math.Clamp(top, 1, answer.Classes.Count)));
    })
    .Accepts<Stream>("image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif", "application/octet-stream")
    .ProducesProblem(StatusCodes.Status400BadRequest)
    .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
    .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
    .RequireRateLimiting("pictures");

try
{
    app.Services.GetRequiredService<OnnxClassifier>();      // rejects an unusable file before the first request
}
catch (InputException error)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
app.Run();
return 0;

/// <summary>The model that the service runs.</summary>
/// <param name="Model">Name of the network.</param>
/// <param name="Classes">Names of its classes.</param>
internal sealed record Health(string Model, IReadOnlyList<string> Classes);

/// <summary>The classification of a picture.</summary>
/// <param name="Shows">The best class or, with several labels, all that the picture shows.</param>
/// <param name="Top">The classes with the highest probabilities.</param>
internal sealed record Answer(IReadOnlyList<string> Shows, IReadOnlyList<ClassProbability> Top);
