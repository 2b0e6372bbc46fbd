using Patchwork.Formats;
using Patchwork.Regularization;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// A vision transformer (Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021) in
/// the sizes of DeiT (Touvron et al., ICML 2021): patches become tokens, a class token joins them, and the logits are a linear function of
/// the class token after twelve blocks. Patches have 4×4 pixels for images of up to 64 pixels and 16×16 for larger ones. Parameter names
/// are those of timm's <c>VisionTransformer</c>. Positions are learned for a square grid and resized for images of another shape.
/// </summary>
public sealed class VisionTransformer : ImageClassifier, IAttentive
{
    private const int Depth = 12, MlpRatio = 4, HeadSize = 64, LargestSmallImage = 64;

    internal const double NormEpsilon = 1e-6;      // timm's; PyTorch's default is 1e-5

    private readonly PatchEmbedding patch_embed;
    private readonly Parameter cls_token, pos_embed;
    private readonly ModuleList<TransformerBlock> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    internal VisionTransformer(ModelRequest request, int width) : base(request)
    {
        RequireTokens(request);
        PatchSize = request.ImageSize <= LargestSmallImage ? 4 : 16;
        var side = PatchEmbedding.Count(request.ImageSize, PatchSize);
        patch_embed = new PatchEmbedding(request.Channels, width, PatchSize);
        cls_token = nn.Parameter(zeros(1, 1, width));
        pos_embed = nn.Parameter(zeros(1, 1 + side * side, width));
        blocks = nn.ModuleList([.. Enumerable.Range(1, Depth).Select(block => new TransformerBlock(width, width / HeadSize,
            MlpRatio * width, new BlockInterior(request.Options, new BlockPlace(block, Depth, 1, 1))))]);
        norm = nn.LayerNorm(width, eps: NormEpsilon);
        head = nn.Linear(width, request.Classes);
        RegisterComponents();
        InitializeTokens(pos_embed, deviation: 0.02);
        using var noGradient = no_grad();
        cls_token.normal_(0, 1e-6);
    }

    /// <summary>Height and width of a patch in pixels.</summary>
    public int PatchSize { get; }

    /// <inheritdoc/>
    public override bool HasFeatureMaps => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [.. Enumerable.Range(0, Depth).Select(i => $"{nameof(blocks)}.{i}")];

    /// <inheritdoc/>
    public Action<Tensor>? Attended { get; set; }

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (graph.Height / PatchSize, graph.Width / PatchSize);
        var tokens = graph.FirstToken(graph.Through(patch_embed, x));
        // The class token is added to the row of zeros in front.
        var positions = Positions(height, width).clone();
        positions.narrow(1, 0, 1).add_(cls_token, One);
        tokens = graph.Add(tokens, graph.Constant(positions));
        tokens = blocks.Aggregate(tokens, (value, block) => graph.Through(block, value));
        return graph.Through(head, graph.Item(graph.Through(norm, tokens), 0, (int)head.in_features, axis: 1));
    }

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (n, height, width) = (x.size(0), x.size(2) / PatchSize, x.size(3) / PatchSize);
        var tokens = cat([cls_token.expand(n, -1, -1), patch_embed.call(x)], 1);
        tokens = tokens.Plus(Positions(height, width));      // (N, 1 + h·w, D)
        blocks[^1].Attention.FirstAttended = Attended is null ? null : weights => Attended(OfPatches(weights, height, width));
        foreach (var block in blocks)
            tokens = block.call(tokens);
        return head.call(norm.call(tokens).select(1, 0)).MoveToOuterDisposeScope();      // (N, K)
    }

    private Tensor Positions(long height, long width)
    {
        var patches = PositionTable.For(pos_embed.narrow(1, 1, pos_embed.size(1) - 1), height, width);
        return cat([pos_embed.narrow(1, 0, 1), patches], 1);
    }

    private static Tensor OfPatches(Tensor weights, long height, long width)
    {
        using (weights)
        using (var patches = weights.narrow(1, 1, height * width))
            return patches.reshape(-1, height, width).clone().DetachFromDisposeScope();
    }
}

/// <summary>
/// Cuts images into patches and maps each to a token: a convolution whose stride is its size. Parameter names are timm's.
/// </summary>
internal sealed class PatchEmbedding : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Conv2d proj;
    private readonly int size;

    public PatchEmbedding(int channels, int width, int size) : base(nameof(PatchEmbedding))
    {
        this.size = size;
        proj = nn.Conv2d(channels, width, size, stride: size);
        RegisterComponents();
    }

    /// <summary>Number of patches along a side.</summary>
    /// <exception cref="InputException">The side is not a multiple of the patch size.</exception>
    public static int Count(long side, int size) => side >= size && side % size == 0 ? (int)(side / size)
        : throw new InputException($"The sides of the images must be multiples of {size}, the size of the transformer's patches. "
            + $"Received: {side} pixels. Choose another image size, for example {Math.Max(1, (side + size / 2) / size) * size}.");

    public override Tensor forward(Tensor images)
    {
        foreach (var side in images.shape[2..])
            Count(side, size);
        using var scope = NewDisposeScope();
        return proj.call(images).flatten(2).transpose(1, 2).MoveToOuterDisposeScope();      // (N, h·w, D)
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.Tokens(graph.Through(proj, x));
}
