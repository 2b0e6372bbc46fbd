using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>Rows of a batch as the tensor by which <c>index_select</c> takes them.</summary>
internal static class RowIndex
{
    /// <summary>The rows as int64 (N), on a device; the caller owns it.</summary>
    public static Tensor Of(IEnumerable<int> rows, Device device) => tensor([.. rows.Select(row => (long)row)], device: device);
}
