using Patchwork.Formats;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// The pre-norm block of Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words" (equations 2 and 3): <c>z' = z + MSA(LN(z))</c>,
/// <c>z'' = z' + MLP(LN(z'))</c>, on tokens (N, T, D). Parameter names are timm's.
/// </summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly LayerNorm norm1, norm2;
    private readonly Attention attn;
    private readonly FeedForward mlp;
    private readonly nn.Module<Tensor, Tensor>? attentionEnd, mlpEnd;

    public TransformerBlock(int width, int heads, int hidden, BlockInterior interior) : base(nameof(TransformerBlock))
    {
        norm1 = nn.LayerNorm(width, eps: VisionTransformer.NormEpsilon);
        attn = new Attention(width, heads, bias: true);
        norm2 = nn.LayerNorm(width, eps: VisionTransformer.NormEpsilon);
        mlp = new FeedForward(width, hidden);
        (attentionEnd, mlpEnd) = (interior.End(), interior.End());
        RegisterComponents();
    }

    /// <summary>The attention of the block.</summary>
    public Attention Attention => attn;

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var attended = attn.call(norm1.call(tokens)).Through(attentionEnd).Plus(tokens);
        return mlp.call(norm2.call(attended)).Through(mlpEnd).Plus(attended).MoveToOuterDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var attended = graph.Add(graph.Through(attentionEnd, graph.Through(attn, graph.Through(norm1, x))), x);
        return graph.Add(graph.Through(mlpEnd, graph.Through(mlp, graph.Through(norm2, attended))), attended);
    }
}

/// <summary>
/// Multi-head self-attention (Vaswani et al. 2017): <c>softmax(q·kᵀ/√d)·v</c> in each head, then a linear layer. Parameter names
/// are timm's.
/// </summary>
internal sealed class Attention : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Linear qkv, proj;
    private readonly int heads, size;

    public Attention(int width, int heads, bool bias) : base(nameof(Attention))
    {
        (this.heads, size) = (heads, width / heads);
        qkv = nn.Linear(width, 3 * width, hasBias: bias);
        proj = nn.Linear(width, width);
        RegisterComponents();
    }

    /// <summary>
    /// Receives how much the first token attends to each token, (N, T), averaged over the heads, without gradient; null: not computed.
    /// </summary>
    public Action<Tensor>? FirstAttended { get; set; }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (n, count) = (tokens.size(0), tokens.size(1));
        var parts = qkv.call(tokens).reshape(n, count, 3, heads, size).permute(2, 0, 3, 1, 4);      // (3, N, heads, T, d)
        var (q, k, v) = (parts[0], parts[1], parts[2]);
        FirstAttended?.Invoke(OfFirst(q, k));
        var mixed = nn.functional.scaled_dot_product_attention(q, k, v);
        return proj.call(mixed.transpose(1, 2).reshape(n, count, heads * size)).MoveToOuterDisposeScope();
    }

    // Only the first row of the attention is needed, so watching it neither changes nor slows the forward pass.
    private Tensor OfFirst(Tensor q, Tensor k)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // A sum of products and not a matrix product, which autocast would compute in bfloat16.
        var scores = (q.narrow(2, 0, 1).to(ScalarType.Float32) * k.to(ScalarType.Float32)).sum(-1);      // (N, heads, T)
        return (scores * Held(1 / Math.Sqrt(size))).softmax(-1, ScalarType.Float32).mean([1]).DetachFromDisposeScope();
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x)
    {
        var parts = graph.Transpose(graph.Reshape(graph.OfTokens(qkv, x), heads, 0, 0, 3, heads, size), 2, 0, 3, 1, 4);
        OnnxValue Part(long i) => graph.Item(parts, i, heads);
        var keys = graph.Transpose(Part(1), 0, 1, 3, 2);
        var scores = graph.Scale(graph.Product(Part(0), keys), 1 / Math.Sqrt(size));
        var mixed = graph.Product(graph.Node("Softmax", [scores], heads, new OnnxAttribute("axis", -1L)), Part(2));
        return graph.OfTokens(proj, graph.Reshape(graph.Transpose(mixed, 0, 2, 1, 3), x.Channels, 0, 0, heads * size));
    }
}

/// <summary>Two linear layers with GELU between them, for every token. Parameter names are timm's.</summary>
internal sealed class FeedForward : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly Linear fc1, fc2;

    public FeedForward(int width, int hidden) : base(nameof(FeedForward))
    {
        fc1 = nn.Linear(width, hidden);
        fc2 = nn.Linear(hidden, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return fc2.call(nn.functional.gelu(fc1.call(tokens))).MoveToOuterDisposeScope();      // exact: x·Φ(x)
    }

    public OnnxValue Write(OnnxGraph graph, OnnxValue x) => graph.OfTokens(fc2, graph.Gelu(graph.OfTokens(fc1, x)));
}
