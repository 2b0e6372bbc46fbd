using Patchwork.Formats;
using Patchwork.Regularization;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// A compact convolutional transformer for small data sets (Hassani et al., "Escaping the Big Data Paradigm with Compact Transformers",
/// 2021, arXiv 2104.05704): two 3×3 convolutions with max-pooling make the tokens, and a weighted mean of the tokens replaces the class
/// token ("sequence pooling"). CCT-2/3×2 has 0.28 million parameters. Parameter names are those of the authors' code
/// (SHI-Labs/Compact-Transformers). Positions are learned for a square grid and resized for images of another shape.
/// </summary>
// Differs from the authors' code: there, attention is dropped with probability 0.1 and stochastic depth 0.1 is built in; here, stochastic
// depth is a method like others (stochasticdepth), and attention is not dropped.
public sealed class CompactTransformer : ImageClassifier, IAttentive
{
    private readonly ConvolutionalTokenizer tokenizer;
    private readonly PooledTransformer classifier;

    internal CompactTransformer(ModelRequest request, int layers, int heads, int width) : base(request)
    {
        RequireTokens(request);
        var side = ConvolutionalTokenizer.Count(request.ImageSize);
        tokenizer = new ConvolutionalTokenizer(request.Channels, width);
        classifier = new PooledTransformer(request, layers, heads, width, side * side);
        RegisterComponents();
        InitializeTokens(classifier.Positions, deviation: 0.2);
        tokenizer.Initialize();
    }

    /// <inheritdoc/>
    public override bool HasFeatureMaps => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> StageNames => [.. Enumerable.Range(0, classifier.Layers).Select(i => $"classifier.blocks.{i}")];

    /// <inheritdoc/>
    public Action<Tensor>? Attended { get; set; }

    /// <inheritdoc/>
    public override OnnxValue Write(OnnxGraph graph, OnnxValue x) =>
        classifier.Write(graph, tokenizer.Write(graph, x), ConvolutionalTokenizer.Count(graph.Height),
            ConvolutionalTokenizer.Count(graph.Width));

    private protected override Tensor Logits(Tensor x)
    {
        using var scope = NewDisposeScope();
        var map = tokenizer.call(x);      // (N, D, h, w)
        var (logits, weights) = classifier.Classify(map);
        Attended?.Invoke(weights.detach().to(ScalarType.Float32).reshape(-1, map.size(2), map.size(3)).clone().DetachFromDisposeScope());
        return logits.MoveToOuterDisposeScope();
    }
}

/// <summary>Two 3×3 convolutions, each with ReLU and max-pooling, that halve the sides twice.</summary>
internal sealed class ConvolutionalTokenizer : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Sequential conv_layers;

    public ConvolutionalTokenizer(int channels, int width) : base(nameof(ConvolutionalTokenizer))
    {
        static Sequential Layer(int input, int output) => nn.Sequential(nn.Conv2d(input, output, 3, padding: 1, bias: false), nn.ReLU(),
            nn.MaxPool2d(3, stride: 2, padding: 1));
        conv_layers = nn.Sequential(Layer(channels, 64), Layer(64, width));
        RegisterComponents();
    }

    /// <summary>Number of tokens along a side of an image.</summary>
    public static int Count(int side) => Halved(Halved(side));

    private static int Halved(int side) => (side + 1) / 2;

    // The normal initialization of He et al. 2015.
    public void Initialize()
    {
        using var noGradient = no_grad();
        foreach (var weight in parameters())
            weight.normal_(0, Math.Sqrt(2.0 / (weight.size(1) * weight.size(2) * weight.size(3))));
    }

    public override Tensor forward(Tensor images) => conv_layers.call(images);

    public OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.Through(conv_layers, x);
}

/// <summary>The blocks, sequence pooling and the last linear layer of a compact transformer.</summary>
internal sealed class PooledTransformer : nn.Module<Tensor, Tensor>
{
    private readonly Parameter positional_emb;
    private readonly ModuleList<CompactBlock> blocks;
    private readonly LayerNorm norm;
    private readonly Linear attention_pool, fc;

    public PooledTransformer(ModelRequest request, int layers, int heads, int width, int tokens) : base(nameof(PooledTransformer))
    {
        positional_emb = nn.Parameter(zeros(1, tokens, width));
        blocks = nn.ModuleList([.. Enumerable.Range(1, layers).Select(block => new CompactBlock(width, heads,
            new BlockInterior(request.Options, new BlockPlace(block, layers, 1, 1))))]);
        norm = nn.LayerNorm(width);
        attention_pool = nn.Linear(width, 1);
        fc = nn.Linear(width, request.Classes);
        RegisterComponents();
    }

    public Tensor Positions => positional_emb;

    public int Layers => blocks.Count;

    public override Tensor forward(Tensor map)
    {
        var (logits, weights) = Classify(map);
        weights.Dispose();
        return logits;
    }

    /// <summary>The logits (N, K) and the weights of the tokens (N, T), which sum to 1, of the tokenizer's map (N, D, h, w).</summary>
    public (Tensor Logits, Tensor Weights) Classify(Tensor map)
    {
        using var scope = NewDisposeScope();
        var tokens = map.flatten(2).transpose(1, 2).Plus(PositionTable.For(positional_emb, map.size(2), map.size(3)));
        foreach (var block in blocks)
            tokens = block.call(tokens);
        tokens = norm.call(tokens);
        var weights = attention_pool.call(tokens).softmax(1);                             // (N, T, 1)
        var pooled = weights.transpose(1, 2).matmul(tokens).squeeze(1);                   // (N, D)
        return (fc.call(pooled).MoveToOuterDisposeScope(), weights.squeeze(2).MoveToOuterDisposeScope());
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue map, int height, int width)
    {
        using var scope = NewDisposeScope();
        var tokens = graph.Add(graph.Tokens(map), graph.Constant(PositionTable.For(positional_emb, height, width)));
        tokens = graph.Through(norm, blocks.Aggregate(tokens, (value, block) => graph.Through(block, value)));
        var weights = graph.Node("Softmax", [graph.Transpose(graph.OfTokens(attention_pool, tokens), 0, 2, 1)], 1,
            new OnnxAttribute("axis", -1L));                                              // (N, 1, T)
        var pooled = graph.Reshape(graph.Product(weights, tokens), (int)fc.in_features, 0, fc.in_features);
        return graph.Through(fc, pooled);
    }
}

/// <summary>
/// The block of the authors' code: pre-norm attention, then a norm whose output is both the input of the two linear layers and what they
/// are added to.
/// </summary>
internal sealed class CompactBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly LayerNorm pre_norm, norm1;
    private readonly Attention self_attn;
    private readonly Linear linear1, linear2;
    private readonly nn.Module<Tensor, Tensor>? attentionEnd, mlpEnd;

    public CompactBlock(int width, int heads, BlockInterior interior) : base(nameof(CompactBlock))
    {
        pre_norm = nn.LayerNorm(width);
        self_attn = new Attention(width, heads, bias: false);
        norm1 = nn.LayerNorm(width);
        (linear1, linear2) = (nn.Linear(width, width), nn.Linear(width, width));
        (attentionEnd, mlpEnd) = (interior.End(), interior.End());
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var x = norm1.call(self_attn.call(pre_norm.call(tokens)).Through(attentionEnd).Plus(tokens));
        return linear2.call(nn.functional.gelu(linear1.call(x))).Through(mlpEnd).Plus(x).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        x = graph.Through(norm1, graph.Add(graph.Through(attentionEnd, graph.Through(self_attn, graph.Through(pre_norm, x))), x));
        return graph.Add(graph.Through(mlpEnd, graph.OfTokens(linear2, graph.Gelu(graph.OfTokens(linear1, x)))), x);
    }
}
