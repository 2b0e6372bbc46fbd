using Patchwork.Data;
using Patchwork.Randomness;
using Patchwork.Reporting;

namespace Patchwork.Benchmarks;

/// <summary>Pictures of two or three items among clutter, made from one part of the embedded photographs.</summary>
internal sealed class Scenes(Func<DatasetPair, Dataset> part)
{
    private const int Side = 96, Clutter = 24, Ground = 16;

    // The same photographs in the sizes in which they are pasted; a quarter of the picture has sides of 48.
    private readonly Dataset[] sizes =
        [.. new[] { 40, 48, 56 }.Select(size => part(DatasetCatalogue.Open("clothing", new DataOptions { ImageSize = size })))];

    /// <summary>Paints a picture; its labels are the classes of its items, each once, sorted.</summary>
    public (Picture Picture, string[] Labels) Draw(Draws draws)
    {
        var canvas = new byte[3 * Side * Side];
        var (ground, y, x) = Patch(draws, Ground);
        for (var row = 0; row < Side; row++)
        {
            for (var column = 0; column < Side; column++)
                Copy(ground, y + row * Ground / Side, x + column * Ground / Side, canvas, row, column);
        }
        for (var i = 0; i < Clutter; i++)
        {
            var side = 6 + draws.Integer(13);
            var (photograph, top, left) = Patch(draws, side);
            Paste(photograph, top, left, side, canvas, draws.Integer(Side - side), draws.Integer(Side - side));
        }
        var quarters = draws.Permutation(4)[..(2 + draws.Integer(2))];
        SortedSet<string> labels = new(StringComparer.Ordinal);
        foreach (var quarter in quarters)
        {
            var items = sizes[draws.Integer(sizes.Length)];
            var index = draws.Integer(items.Count);
            int Corner(int half) => Math.Clamp(half * Side / 2 + draws.Integer(13) - 6, 0, Side - items.Height);
            Paste(new(items, index), 0, 0, items.Height, canvas, Corner(quarter / 2), Corner(quarter % 2));
            labels.Add(items.ClassNames[items.Label(index)]);
        }
        return (new Picture(Side, Side, canvas), [.. labels]);
    }

    // A random patch of any photograph, too small to show its class.
    private (Photograph Of, int Top, int Left) Patch(Draws draws, int side)
    {
        var set = sizes[^1];
        return (new(set, draws.Integer(set.Count)), draws.Integer(set.Height - side), draws.Integer(set.Width - side));
    }

    private static void Paste(Photograph from, int top, int left, int side, byte[] canvas, int y, int x)
    {
        for (var row = 0; row < side; row++)
        {
            for (var column = 0; column < side; column++)
                Copy(from, top + row, left + column, canvas, y + row, x + column);
        }
    }

    private static void Copy(Photograph from, int fromRow, int fromColumn, byte[] canvas, int row, int column)
    {
        for (var channel = 0; channel < 3; channel++)
            canvas[3 * (row * Side + column) + channel] = from[channel, fromRow, fromColumn];
    }

    // Planar pixels of one photograph.
    private sealed class Photograph(Dataset set, int index)
    {
        private readonly byte[] pixels = set.Read(index, new byte[set.ImageBytes]).ToArray();

        public byte this[int channel, int row, int column] => pixels[(channel * set.Height + row) * set.Width + column];
    }
}
