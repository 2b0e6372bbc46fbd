using Patchwork;
using Patchwork.Onnx;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers classifiers as services of an application.</summary>
public static class PatchworkServices
{
    /// <summary>
    /// Adds a classifier that the whole application shares: an <see cref="OnnxClassifier"/>, loaded when it is first requested and
    /// disposed with the application's services. Request it once at startup to reject an unusable file there.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="file">A file that <c>patchwork export</c> wrote.</param>
    /// <param name="name">
    /// Key of the service, if there are several classifiers: <c>[FromKeyedServices("name")]</c> requests it. Null, the default, registers
    /// it without a key.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    public static IServiceCollection AddPatchwork(this IServiceCollection services, string file, string? name = null,
        ClassifierOptions? options = null) =>
        name is null ? services.AddSingleton(_ => OnnxClassifier.Load(file, options))
            : services.AddKeyedSingleton(name, (_, _) => OnnxClassifier.Load(file, options));
}
