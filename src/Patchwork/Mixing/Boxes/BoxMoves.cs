using System.Buffers;
using System.Runtime.Intrinsics;
using Patchwork.Internals;
using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// A plan as an ordered list of moves that needs no copy of the batch: an image is overwritten only after all images that read from it
/// have done so. What remains are the cycles of the permutation; each is broken by setting aside the pixels of one image. Every move reads
/// what the next one overwrites, so the memory of a box is fetched once.
/// </summary>
internal sealed class BoxMoves
{
    private const int BlockBytes = 64 * 1024;          // rows moved together: the next move of a cycle finds its data in the L2 cache
    private const int ParallelBytes = 256 * 1024;      // below this, starting a second thread costs more than it saves

    // Source -1: the pixels that were set aside. Saved: pixels of `Target` that a later move needs and that are set aside first.
    private readonly record struct Move(int Target, int Source, Box Box, bool SaveFirst, Box Saved);

    private readonly List<Move> moves = [];

    /// <summary>Computes the order of the moves for a plan that consists of boxes.</summary>
    public static BoxMoves Of(MixPlan plan)
    {
        var order = new BoxMoves();
        var count = plan.Images.Count;
        var partner = new int[count];
        var box = new Box[count];
        var readers = new int[count];
        for (var i = 0; i < count; i++)
        {
            box[i] = ((BoxRegion)plan.Images[i].Region).Box;
            partner[i] = box[i].IsEmpty || plan.Images[i].Partner == i ? -1 : plan.Images[i].Partner;
            if (partner[i] >= 0)
                readers[partner[i]]++;
        }
        // Images that no other image reads come first; each move may free its partner.
        var done = new bool[count];
        for (var i = 0; i < count; i++)
        {
            for (var j = i; j >= 0 && !done[j] && partner[j] >= 0 && readers[j] == 0; j = partner[j])
            {
                order.moves.Add(new Move(j, partner[j], box[j], false, default));
                done[j] = true;
                readers[partner[j]]--;
            }
        }
        // The rest are cycles: the pixels of the first image are set aside for the last one, which reads them.
        for (var first = 0; first < count; first++)
        {
            if (done[first] || partner[first] < 0)
                continue;
            var last = first;
            while (partner[last] != first)
                last = partner[last];
            for (var j = first; ; j = partner[j])
            {
                done[j] = true;
                order.moves.Add(new Move(j, j == last ? -1 : partner[j], box[j], j == first, box[last]));
                if (j == last)
                    break;
            }
        }
        return order;
    }

    /// <summary>Executes the moves, one block of rows at a time, on as many threads as torch uses.</summary>
    public void Run(BoxMemory memory)
    {
        if (moves.Count == 0)
            return;
        var top = moves.Min(move => move.Box.Top);
        var bottom = moves.Max(move => move.Box.Bottom);
        var widest = moves.Max(move => move.Box.Width) * memory.PixelBytes;
        var rowsPerBlock = Math.Clamp(BlockBytes / widest, 1, bottom - top);
        var blocks = (bottom - top + rowsPerBlock - 1) / rowsPerBlock;
        var units = memory.Planes * blocks;
        var bytes = moves.Sum(move => move.Box.Area) * memory.PixelBytes * memory.Planes;
        void RunUnit(int unit)
        {
            var first = top + unit % blocks * rowsPerBlock;
            RunBlock(memory, unit / blocks, first, Math.Min(first + rowsPerBlock, bottom), widest);
        }
        if (bytes < ParallelBytes)
        {
            for (var unit = 0; unit < units; unit++)
                RunUnit(unit);
        }
        else
        {
            TorchThreads.For(units, RunUnit);
        }
    }

    private unsafe void RunBlock(BoxMemory memory, int plane, int first, int end, int widest)
    {
        var aside = ArrayPool<byte>.Shared.Rent(widest * (end - first));
        fixed (byte* saved = aside)
        {
            foreach (var move in moves)
            {
                if (move.SaveFirst)
                    Copy(memory, plane, first, end, move.Saved, move.Target, saved, save: true);
                if (move.Source < 0)
                {
                    Copy(memory, plane, first, end, move.Box, move.Target, saved, save: false);
                    continue;
                }
                var (offset, length) = (move.Box.Left * memory.PixelBytes, (long)move.Box.Width * memory.PixelBytes);
                for (var row = Math.Max(first, move.Box.Top); row < Math.Min(end, move.Box.Bottom); row++)
                    CopyRun(memory.Row(move.Source, plane, row) + offset, memory.Row(move.Target, plane, row) + offset, length);
            }
        }
        ArrayPool<byte>.Shared.Return(aside);
    }

    // Copies rows of a box between an image and the buffer of this block, in which rows are packed.
    private static unsafe void Copy(BoxMemory memory, int plane, int first, int end, Box box, int image, byte* saved, bool save)
    {
        var (offset, length) = (box.Left * memory.PixelBytes, (long)box.Width * memory.PixelBytes);
        for (var row = Math.Max(first, box.Top); row < Math.Min(end, box.Bottom); row++)
        {
            var pixels = memory.Row(image, plane, row) + offset;
            var packed = saved + (row - first) * length;
            CopyRun(save ? pixels : packed, save ? packed : pixels, length);
        }
    }

    // Runs are short and rarely start at a cache line. After the first store, all stores are aligned and touch each line once, which is
    // about 10 % faster than a plain copy.
    private static unsafe void CopyRun(byte* source, byte* target, long length)
    {
        const int vector = 32;
        if (length < 3 * vector)
        {
            Buffer.MemoryCopy(source, target, length, length);
            return;
        }
        Vector256.Store(Vector256.Load(source), target);
        var (i, last) = (vector - ((long)target & (vector - 1)), length - vector);
        for (; i < last - vector; i += 2 * vector)
        {
            var (first, second) = (Vector256.Load(source + i), Vector256.Load(source + i + vector));
            Vector256.Store(first, target + i);
            Vector256.Store(second, target + i + vector);
        }
        if (i < last)
            Vector256.Store(Vector256.Load(source + i), target + i);
        Vector256.Store(Vector256.Load(source + last), target + last);
    }
}
