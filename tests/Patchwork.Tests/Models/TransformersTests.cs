using System.Runtime.InteropServices;
using Patchwork.Interop;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Models;

/// <summary>Transformers compute what independent implementations in PyTorch compute from the same weights, by the same names.</summary>
[Collection(SerialCollection.Name)]
public sealed class TransformersTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-vit-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // Both networks, written from their papers with timm's and the authors' names, function by function, without PyTorch's modules for
    // attention. They save random weights, an input, the logits and the attention.
    private const string Script = """
        import sys, math, torch, torch.nn.functional as F
        folder, kind, side, size, width, patch = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
        torch.manual_seed(5)
        w = {}
        def weight(name, *shape, std=0.08, mean=0.0): w[name] = torch.randn(*shape) * std + mean
        def linear(name, a, b, bias=True):
            weight(name + '.weight', b, a)
            if bias: weight(name + '.bias', b)
        def norm(name, d): weight(name + '.weight', d, std=0.2, mean=1.0); weight(name + '.bias', d)
        def lin(name, x): return torch.einsum('...i,oi->...o', x, w[name + '.weight']) + w.get(name + '.bias', torch.zeros(1))
        def ln(name, x, eps):
            m = x.mean(-1, keepdim=True); v = ((x - m) ** 2).mean(-1, keepdim=True)
            return (x - m) / torch.sqrt(v + eps) * w[name + '.weight'] + w[name + '.bias']
        def gelu(x): return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
        def attention(name, x, heads):
            n, t, d = x.shape; e = d // heads
            q, k, v = [p.reshape(n, t, heads, e) for p in lin(name + '.qkv', x).split(d, -1)]
            a = torch.softmax(torch.einsum('nihe,njhe->nhij', q, k) / math.sqrt(e), -1)
            return lin(name + '.proj', torch.einsum('nhij,njhe->nihe', a, v).reshape(n, t, d)), a
        x = torch.randn(3, 3, side, size)
        if kind == 'vit':
            heads, hp, wp = width // 64, side // patch, size // patch
            weight('cls_token', 1, 1, width); weight('pos_embed', 1, 1 + hp * hp, width)
            linear('patch_embed.proj', 3 * patch * patch, width); linear('head', width, 7); norm('norm', width)
            for i in range(12):
                b = f'blocks.{i}'
                norm(b + '.norm1', width); norm(b + '.norm2', width)
                linear(b + '.attn.qkv', width, 3 * width); linear(b + '.attn.proj', width, width)
                linear(b + '.mlp.fc1', width, 4 * width); linear(b + '.mlp.fc2', 4 * width, width)
            p = x.reshape(3, 3, hp, patch, wp, patch).permute(0, 2, 4, 1, 3, 5).reshape(3, hp * wp, -1)
            z = torch.cat([w['cls_token'].expand(3, 1, width), lin('patch_embed.proj', p)], 1) + w['pos_embed']
            for i in range(12):
                b = f'blocks.{i}'
                y, a = attention(b + '.attn', ln(b + '.norm1', z, 1e-6), heads); z = z + y
                z = z + lin(b + '.mlp.fc2', gelu(lin(b + '.mlp.fc1', ln(b + '.norm2', z, 1e-6))))
            y = lin('head', ln('norm', z, 1e-6)[:, 0]); seen = a.mean(1)[:, 0, 1:]
            w['patch_embed.proj.weight'] = w['patch_embed.proj.weight'].reshape(width, 3, patch, patch)
        else:
            weight('tokenizer.conv_layers.0.0.weight', 64, 3, 3, 3, std=0.3); weight('tokenizer.conv_layers.1.0.weight', width, 64, 3, 3)
            z = x
            for i in range(2): z = F.max_pool2d(F.relu(F.conv2d(z, w[f'tokenizer.conv_layers.{i}.0.weight'], padding=1)), 3, 2, 1)
            n, d, h, _ = z.shape
            z = z.reshape(n, d, -1).transpose(1, 2)
            weight('classifier.positional_emb', 1, z.shape[1], width, std=0.2); z = z + w['classifier.positional_emb']
            norm('classifier.norm', width); linear('classifier.attention_pool', width, 1); linear('classifier.fc', width, 7)
            for i in range(2):
                b = f'classifier.blocks.{i}'
                for name in ('.pre_norm', '.norm1'): norm(b + name, width)
                linear(b + '.self_attn.qkv', width, 3 * width, bias=False); linear(b + '.self_attn.proj', width, width)
                linear(b + '.linear1', width, width); linear(b + '.linear2', width, width)
                z = ln(b + '.norm1', z + attention(b + '.self_attn', ln(b + '.pre_norm', z, 1e-5), 2)[0], 1e-5)
                z = z + lin(b + '.linear2', gelu(lin(b + '.linear1', z)))
            z = ln('classifier.norm', z, 1e-5); seen = torch.softmax(lin('classifier.attention_pool', z), 1)[..., 0]
            y = lin('classifier.fc', torch.einsum('nt,ntd->nd', seen, z))
        torch.save(w, folder + '/weights.pth')
        for name, value in dict(x=x, y=y, seen=seen).items(): value.numpy().tofile(folder + f'/{name}.bin')
        """;

    [Theory]
    [InlineData("vit-tiny", "vit", 32, 192, 4), InlineData("vit-tiny", "vit", 64, 192, 4), InlineData("vit-tiny", "vit", 224, 192, 16)]
    [InlineData("vit-small", "vit", 32, 384, 4), InlineData("cct-2-3x2", "cct", 32, 128, 0), InlineData("cct-2-3x2", "cct", 30, 128, 0)]
    public void Logits_and_attention_agree_with_an_independent_implementation(string id, string kind, int side, int width, int patch)
    {
        if ((id, side) is not (("vit-tiny" or "cct-2-3x2"), 32))
            Lane.NeedFull("other sizes");
        Python.Need("torch");
        Python.Run(Script, folder, kind, $"{side}", $"{side}", $"{width}", $"{patch}");
        using var network = ModelZoo.Create(id, 7, imageSize: side);
        var loaded = PretrainedWeights.Load(Path.Combine(folder, "weights.pth"), network);
        Assert.True(loaded.IsComplete, loaded.Summary);
        Assert.Empty(loaded.Unused);
        network.eval();
        using var noGradient = no_grad();
        var images = Values("x").reshape(3, 3, side, side);
        var plain = network.call(images);
        Assert.True(plain.sub(Values("y").reshape(3, 7)).abs().max().ToSingle() < 1e-4);
        using var watch = new AttentionWatch(network);
        Assert.True(network.call(images).equal(plain).all().ToBoolean(), "watching the attention changed the logits");
        Assert.True(watch.Latest!.flatten(1).sub(Values("seen").reshape(3, -1)).abs().max().ToSingle() < 1e-5);
    }

    private Tensor Values(string name) =>
        tensor(MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(folder, $"{name}.bin"))).ToArray());

    [Theory, InlineData("vit-tiny"), InlineData("cct-2-3x2")]
    public void The_attention_of_patches_is_positive_and_sums_to_at_most_one(string id)
    {
        using var network = Network(id);
        var map = AttentionMap.AtPatches(network, randn(4, 3, 32, 16));
        Assert.Equal([4, 8, 4], map.shape);      // the grid of a patch size of 4, or of two halvings
        Assert.True(map.ge(0).all().ToBoolean());
        var sums = map.sum([1, 2]);
        Assert.True(sums.le(1 + 1e-5).all().ToBoolean());
        Assert.True(id == "vit-tiny" ? sums.lt(1).all().ToBoolean() : sums.allclose(ones(4), 1e-5, 1e-5));
        var large = AttentionMap.Scaled(network, randn(4, 3, 32, 16));
        Assert.Equal([4, 32, 16], large.shape);
        Assert.Equal((0f, 1f), (large.min().ToSingle(), large.max().ToSingle()));
    }

    // The positions of a patch are added to its token, so exchanging patches changes the answer; without them it would not.
    [Fact]
    public void The_logits_depend_on_where_a_patch_is()
    {
        using var network = Network("vit-tiny");
        network.eval();
        using var noGradient = no_grad();
        var images = randn(2, 3, 32, 32);
        var rolled = images.roll([16], [3]);
        Assert.False(network.call(images).allclose(network.call(rolled), 1e-3, 1e-4));
    }

    [Fact]
    public void Layer_decay_counts_the_blocks_of_a_transformer()
    {
        using var network = Network("vit-tiny");
        var depths = network.named_parameters().Zip(network.Depths(), (one, other) => (one.name, other.Depth)).ToDictionary();
        Assert.Equal((0, 0, 0), (depths["cls_token"], depths["pos_embed"], depths["patch_embed.proj.weight"]));
        Assert.Equal((1, 12), (depths["blocks.0.attn.qkv.weight"], depths["blocks.11.mlp.fc2.bias"]));
        Assert.Equal((13, 13), (depths["norm.weight"], depths["head.bias"]));
    }

    [Theory, InlineData("vit-tiny", 24), InlineData("cct-2-3x2", 4)]
    public void Stochastic_depth_drops_both_branches_of_every_block(string id, int branches)
    {
        using var network = ModelZoo.Create(id, 5, imageSize: 16, options: new()
        {
            Regularizers = [new StochasticDepth { DropProbability = 1,
            Decays = false, Scale = StochasticDepthScale.Training }]
        });
        Assert.Equal(branches, network.modules().OfType<StochasticDepthLayer>().Count());
        network.train();
        using var noGradient = no_grad();
        var images = randn(2, 3, 16, 16);
        Assert.True(network.call(images).equal(network.call(images)).all().ToBoolean());      // every branch is dropped, always
        foreach (var parameter in network.named_parameters().Where(one => one.name.Contains("qkv", StringComparison.Ordinal)))
            parameter.parameter.fill_(1);
        var before = network.call(images);
        foreach (var parameter in network.named_parameters().Where(one => one.name.Contains("qkv", StringComparison.Ordinal)))
            parameter.parameter.fill_(-1);
        Assert.True(network.call(images).equal(before).all().ToBoolean(), "a dropped branch acted");
    }

    [Fact]
    public void What_tokens_cannot_do_is_rejected_with_the_reason()
    {
        Assert.Contains("dropblock needs a network with feature maps, such as resnet20. Received: model vit-tiny", Assert.Throws<InputException>(
            () => ModelZoo.Create("vit-tiny", 5, options: new() { Regularizers = [new DropBlock()] })).Message, StringComparison.Ordinal);
        Assert.Contains("must be multiples of 4", Assert.Throws<InputException>(() => ModelZoo.Create("vit-tiny", 5, imageSize: 30)).Message,
            StringComparison.Ordinal);
        using var network = Network("vit-tiny");
        Assert.Contains("must be multiples of 4, the size of the transformer's patches. Received: 30 pixels",
            Assert.Throws<InputException>(() => network.call(randn(1, 3, 32, 30))).Message, StringComparison.Ordinal);
        Assert.Contains("must output features (N, C, H, W)",
            Assert.Throws<ArgumentException>(() => new ManifoldMixup().Attach(network, randn(1, 3, 32, 32))).Message, StringComparison.Ordinal);
        using var convolutional = ModelZoo.Create("resnet8", 5);
        Assert.Contains("vit-tiny", Assert.Throws<ArgumentException>(() => AttentionMap.AtPatches(convolutional, randn(1, 3, 32, 32))).Message,
            StringComparison.Ordinal);
    }

    private static ImageClassifier Network(string id) => new SeedStream(4).Network(() => ModelZoo.Create(id, 5));
}
