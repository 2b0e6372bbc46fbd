namespace Patchwork.Models;

/// <summary>What a network of the catalogue costs.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Parameters">Number of parameters, for 1,000 classes where it was published for ImageNet and 10 otherwise.</param>
/// <param name="MultiplyAdds">Multiplications with an addition each, in convolutions and linear layers, for one image.</param>
/// <param name="ImageSize">Rows and columns of that image: 224 for networks of ImageNet, 32 for those of CIFAR.</param>
public sealed record ModelSummary(string Id, long Parameters, long MultiplyAdds, int ImageSize)
{
    private const int ImageNetSize = 224, CifarSize = 32, ImageNetClasses = 1_000, CifarClasses = 10;

    /// <summary>Makes the network and counts.</summary>
    /// <param name="id">Its name, in any case.</param>
    /// <exception cref="InputException">No network has that name.</exception>
    public static ModelSummary Of(string id)
    {
        var (size, classes) = ModelZoo.HasStems(id) ? (ImageNetSize, ImageNetClasses) : (CifarSize, CifarClasses);
        using var model = ModelZoo.Create(id, classes, imageSize: size);
        return new(model.Id, model.parameters().Sum(parameter => parameter.numel()), Models.MultiplyAdds.Of(model, 3, size, size), size);
    }
}
