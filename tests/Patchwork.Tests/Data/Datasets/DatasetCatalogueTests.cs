using Patchwork.Data;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class DatasetCatalogueTests
{
    [Fact]
    public void An_unknown_name_is_rejected_and_the_nearest_one_suggested()
    {
        var error = Assert.Throws<InputException>(() => DatasetCatalogue.Open("cifar-10", new DataOptions()));
        Assert.Contains("Did you mean 'cifar10'?", error.Message, StringComparison.Ordinal);
        Assert.All(DatasetCatalogue.Ids, id => Assert.Contains(id, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_id_is_unique_and_finds_its_record()
    {
        Assert.Equal(DatasetCatalogue.Ids, DatasetCatalogue.Ids.Distinct());
        Assert.All(DatasetCatalogue.All, set => Assert.Same(set, DatasetCatalogue.Find(set.Id)));
    }

    [Fact]
    public void A_download_is_saved_in_the_folder_that_is_searched_first()
    {
        var published = DatasetCatalogue.All.Where(set => set.Download is not null).ToArray();
        Assert.NotEmpty(published);
        Assert.All(published, set =>
        {
            Assert.Equal((set.Id, set.FolderNames[0]), (set.Download!.Id, set.Download.Folder));
            Assert.All(set.Download.Files, file => Assert.Matches("^[0-9a-f]{32}$", file.Md5));
            Assert.Same(set.Download, DatasetCatalogue.FindDownload(set.Id));
        });
    }

    [Fact]
    public void A_set_without_published_files_cannot_be_downloaded()
    {
        var error = Assert.Throws<InputException>(() => DatasetCatalogue.FindDownload(DatasetCatalogue.OwnPictures.Id));
        Assert.Contains("data set to download", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_published_sets_have_a_default_folder()
    {
        foreach (var set in DatasetCatalogue.All)
        {
            Assert.Equal(set.FolderNames.Count > 0, set.FolderOf(null) is not null);
            Assert.Equal(set.IsEmbedded ? null : "given", set.FolderOf("given"));
        }
        Assert.Null(DatasetCatalogue.FolderOf("unknown", "given"));
    }

    [Fact]
    public void Records_of_embedded_sets_state_whether_boxes_and_masks_exist()
    {
        foreach (var source in DatasetCatalogue.All.Where(set => set.IsEmbedded))
        {
            var train = source.Open(new DataOptions()).Train;
            Assert.Equal(source.HasBoxes, train.ObjectBox(0) is not null);
            Assert.Equal(source.HasMasks, !train.ObjectMask(0).IsEmpty);
        }
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
                var error = Assert.Throws<InputException>(() => DatasetCatalogue.Open("cifar100", new DataOptions { Data = folder }));
                Assert.Contains(missing, error.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }
}
