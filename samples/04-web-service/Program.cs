using System.Threading.RateLimiting;
using Patchwork;
using Patchwork.Onnx;
using Patchwork.Samples;

// What a picture shows, over HTTP:
//     dotnet run --Model pictures.onnx --urls http://localhost:5000
//     curl --data-binary @new.jpg http://localhost:5000/classify
// A file that is put in the model's place serves from the next second on; one that cannot be used is reported, and the old one stays.

const long largestUpload = 10 << 20;           // bytes
const long largestPicture = 25_000_000;        // pixels, each of four bytes while it is decoded
var atOnce = Environment.ProcessorCount;       // pictures under way; more would only wait for one another, each with its pixels

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
    app.Services.GetRequiredService<OnnxClassifier>();      // a file that cannot be used is refused before the first request
}
catch (InputException error)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
app.Run();
return 0;

/// <summary>What the service runs.</summary>
/// <param name="Model">Name of the network.</param>
/// <param name="Classes">What it tells apart.</param>
internal sealed record Health(string Model, IReadOnlyList<string> Classes);

/// <summary>What a picture shows.</summary>
/// <param name="Shows">Its class, or of several labels all that it shows.</param>
/// <param name="Top">The classes of the largest probabilities.</param>
internal sealed record Answer(IReadOnlyList<string> Shows, IReadOnlyList<ClassProbability> Top);
