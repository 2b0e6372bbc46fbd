namespace Patchwork.Models;

/// <summary>The cost of a network of the catalogue.</summary>
/// <param name="Id">Name of the network.</param>
/// <param name="Parameters">Number of parameters, with 1,000 classes for networks published for ImageNet and 10 otherwise.</param>
/// <param name="MultiplyAdds">Number of multiply-adds in convolutions and linear layers, for one image.</param>
/// <param name="ImageSize">Height and width of that image: 224 for ImageNet networks, 32 for CIFAR networks.</param>
public sealed record ModelSummary(string Id, long Parameters, long MultiplyAdds, int ImageSize)
{
    private const int ImageNetSize = 224, CifarSize = 32, ImageNetClasses = 1_000, CifarClasses = 10;

    /// <summary>Creates the network and counts its parameters and multiply-adds.</summary>
    /// <param name="id">Name of the network, in any case.</param>
    /// <exception cref="InputException">No network has that name.</exception>
    public static ModelSummary Of(string id)
    {
        var (size, classes) = ModelZoo.HasStems(id) ? (ImageNetSize, ImageNetClasses) : (CifarSize, CifarClasses);
        using var model = ModelZoo.Create(id, classes, imageSize: size);
        return new(model.Id, model.parameters().Sum(parameter => parameter.numel()), Models.MultiplyAdds.Of(model, 3, size, size), size);
    }
}
