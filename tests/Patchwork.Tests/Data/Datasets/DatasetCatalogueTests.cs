using Patchwork.Data;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class DatasetCatalogueTests
{
    [Fact]
    public void An_unknown_name_is_refused_with_the_nearest_one()
    {
        var error = Assert.Throws<InputException>(() => DatasetCatalogue.Open("cifar-10", new DataOptions()));
        Assert.Contains("Did you mean 'cifar10'?", error.Message, StringComparison.Ordinal);
        Assert.All(DatasetCatalogue.Ids, id => Assert.Contains(id, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_published_set_is_looked_for_in_its_own_folder_and_in_its_parent()
    {
        var parent = Directory.CreateTempSubdirectory("patchwork-catalogue-").FullName;
        try
        {
            var own = Directory.CreateDirectory(Path.Combine(parent, "cifar-100-binary")).FullName;
            var missing = Path.Combine(own, "fine_label_names.txt");
            foreach (var folder in new[] { own, parent })
            {
                var error = Assert.Throws<InputException>(() => DatasetCatalogue.Open("cifar100", new DataOptions { Folder = folder }));
                Assert.Contains(missing, error.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }
}
