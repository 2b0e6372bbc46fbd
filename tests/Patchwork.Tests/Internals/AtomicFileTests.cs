using Patchwork.Internals;
using Xunit;

namespace Patchwork.Tests.Internals;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchwork-atomic-").FullName;

    private string FilePath => Path.Combine(_folder, "file.txt");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_failed_write_leaves_the_old_content_and_nothing_else()
    {
        AtomicFile.WriteText(FilePath, "old λ");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(FilePath, stream =>
        {
            stream.Write("half of the new"u8);
            stream.Flush();
            throw new InvalidOperationException();
        }));
        Assert.Equal("old λ", File.ReadAllText(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_write_replaces_the_whole_file_even_with_shorter_content()
    {
        AtomicFile.WriteText(FilePath, "a long old text");
        AtomicFile.WriteText(FilePath, "new");
        Assert.Equal("new"u8.ToArray(), File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void The_old_content_stays_readable_while_the_new_is_written()
    {
        AtomicFile.WriteText(FilePath, "old");
        AtomicFile.Write(FilePath, stream =>
        {
            stream.Write("new"u8);
            Assert.Equal("old", File.ReadAllText(FilePath));
        });
        Assert.Equal("new", File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_partial_file_left_by_a_killed_program_is_overwritten()
    {
        File.WriteAllText(FilePath + ".partial", "half");
        AtomicFile.WriteText(FilePath, "whole");
        Assert.Equal([FilePath], Directory.GetFiles(_folder));
    }
}
