using Patchwork;
using Patchwork.Onnx;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Classifiers as services of a program.</summary>
public static class PatchworkServices
{
    /// <summary>
    /// Adds a classifier that the whole program shares: an <see cref="OnnxClassifier"/>, loaded when it is first asked for and freed with
    /// the program's services. Ask for it once at the start to have a file that cannot be used refused there.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="file">What <c>patchwork export</c> wrote.</param>
    /// <param name="name">
    /// One of several: it is asked for by this key, as <c>[FromKeyedServices("name")]</c> does. Null, the default: the only one.
    /// </param>
    /// <param name="options">Null: the default ones.</param>
    public static IServiceCollection AddPatchwork(this IServiceCollection services, string file, string? name = null,
        ClassifierOptions? options = null) =>
        name is null ? services.AddSingleton(_ => OnnxClassifier.Load(file, options))
            : services.AddKeyedSingleton(name, (_, _) => OnnxClassifier.Load(file, options));
}
