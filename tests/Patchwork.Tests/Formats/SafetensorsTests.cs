using System.Text;
using CsCheck;
using Patchwork.Formats;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Formats;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchwork-safetensors-").FullName;

    private static readonly byte[][] Words =
        [.. ((string[])["F16", "BOOL", "U8", "null", "{}", "[]", "-1", "1.5", "99999999999999999999", "4294967296", "\\ud800", "\\u0000",
            "\"", ",", ":", "}", "__metadata__"])
            .Select(Encoding.ASCII.GetBytes), [0, 0, 0, 0], [255, 255, 255, 255], [255, 255, 255, 127]];

    private string FilePath => Path.Combine(_folder, "weights.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static readonly ScalarType[] Types =
    [
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
        ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    [Fact]
    public void The_bytes_match_the_format()
    {
        using var scope = NewDisposeScope();
        Safetensors.Save(FilePath, [("b", tensor(new float[] { 1, -2 })), ("a", tensor((byte)7, ScalarType.Byte))]);
        var json = """{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""";
        var padded = json.PadRight((json.Length + 7) / 8 * 8);
        byte[] expected =
        [
            .. BitConverter.GetBytes((long)padded.Length), .. Encoding.ASCII.GetBytes(padded), 7, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0,
        ];
        Assert.Equal(expected, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void Tensors_are_loaded_as_they_were_saved() =>
        Gen.Select(Gen.Int[0, Types.Length - 1], Gen.Long[0, 5].Array[0, 4], Gen.Bool, Gen.Byte.Array[64]).Array[0, 6].Sample(cases =>
        {
            using var scope = NewDisposeScope();
            var saved = cases.Select((c, i) => ($"layer{i}.wéight \"{i}\"", Filled(Types[c.Item1], c.Item2, c.Item3, c.Item4))).ToArray();
            Safetensors.Save(FilePath, saved);
            var loaded = Safetensors.Load(FilePath);
            Assert.Equal(saved.Length, loaded.Count);
            foreach (var (name, tensor) in saved)
            {
                Assert.Equal(tensor.dtype, loaded[name].dtype);
                Assert.Equal(tensor.shape, loaded[name].shape);
                Assert.Equal(tensor.contiguous().bytes.ToArray(), loaded[name].bytes.ToArray());
                loaded[name].Dispose();
            }
        }, iter: 200, threads: 1);

    private static bool SameBits(Tensor left, Tensor right) => left.bytes.SequenceEqual(right.bytes);

    private static Tensor Filled(ScalarType type, long[] shape, bool transposed, byte[] pattern)
    {
        var result = empty(shape, type);
        var bytes = result.bytes;
        for (var i = 0; i < bytes.Length; i++) bytes[i] = type == ScalarType.Bool ? (byte)(pattern[i % 64] & 1) : pattern[i % 64];
        return transposed && shape.Length > 1 ? result.transpose(0, shape.Length - 1) : result;
    }

    [Fact]
    public void The_bytes_do_not_depend_on_the_order_of_saving()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (rand(3, 4), rand(5));
        Safetensors.Save(FilePath, [("a", a), ("b", b)]);
        var first = File.ReadAllBytes(FilePath);
        Safetensors.Save(FilePath, new Dictionary<string, Tensor> { ["b"] = b, ["a"] = a });
        Assert.Equal(first, File.ReadAllBytes(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_tensor_larger_than_one_chunk_round_trips()
    {
        using var scope = NewDisposeScope();
        var large = arange((1 << 23) + 5, ScalarType.Int32);
        Safetensors.Save(FilePath, [("large", large)]);
        using var loaded = Safetensors.Load(FilePath)["large"];
        Assert.True(SameBits(large, loaded));
    }

    [Fact]
    public void A_damaged_file_is_read_or_rejected_and_its_tensors_are_bounded_by_its_size()
    {
        using (var scope = NewDisposeScope())
            Safetensors.Save(FilePath, [("a", ones(2, 3)), ("b", ones(4, ScalarType.Bool)), ("c", zeros(0, 3)), ("d", tensor(1L))]);
        var intact = File.ReadAllBytes(FilePath);
        var header = BitConverter.ToInt32(intact);
        var refused = Mutation.Refused<InvalidDataException>("damaged safetensors", Mutation.Inputs, [intact], Words, 1 << 18, Read);
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 999 / 1000);
        // With a length that matches the damaged header, more of them get past the length check.
        refused = Mutation.Refused<InvalidDataException>("damaged safetensors header", Mutation.Inputs, [intact[8..(8 + header)]], Words,
            1 << 18,
            input => Read([.. BitConverter.GetBytes((long)input.Length), .. input, .. intact[(8 + header)..]]));
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 999 / 1000);

        static void Read(byte[] input)
        {
            long held = 0;
            foreach (var tensor in Safetensors.Load(new MemoryStream(input), "weights").Values)
            {
                held += tensor.numel() * tensor.element_size();
                tensor.Dispose();
            }
            Assert.InRange(held, 0, 4 * input.Length);      // one byte of F8_E4M3 becomes four of F32
        }
    }

    private void Write(string type, int count, byte[] values)
    {
        var header = $$$"""{"a":{"dtype":"{{{type}}}","shape":[{{{count}}}],"data_offsets":[0,{{{values.Length}}}]}}""";
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. values]);
    }

    [Fact]
    public void Unsigned_integers_are_read_as_signed_ones_that_can_hold_them()
    {
        Write("U16", 3, [1, 0, 0xff, 0x7f, 0xff, 0xff]);
        using (var read = Safetensors.Load(FilePath)["a"])
            Assert.Equal([1, 32767, 65535], read.data<int>().ToArray());
        Write("U32", 2, [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        using (var read = Safetensors.Load(FilePath)["a"])
            Assert.Equal([1, 4294967295], read.data<long>().ToArray());
        Write("U64", 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        using (var read = Safetensors.Load(FilePath)["a"])
            Assert.Equal([long.MaxValue], read.data<long>().ToArray());
        Write("U64", 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        Assert.Contains("18446744073709551615", Assert.Throws<InvalidDataException>(() => Safetensors.Load(FilePath)).Message);
    }

    // Values from the OCP specification of 8-bit floating point (table 2): the largest, the smallest normal and subnormal numbers, NaN.
    [Theory]
    [InlineData("F8_E4M3", 0x7e, 448f), InlineData("F8_E4M3", 0x08, 0.015625f), InlineData("F8_E4M3", 0x01, 0.001953125f)]
    [InlineData("F8_E4M3", 0xb8, -1f), InlineData("F8_E4M3", 0x80, -0f), InlineData("F8_E4M3", 0x7f, float.NaN)]
    [InlineData("F8_E5M2", 0x7b, 57344f), InlineData("F8_E5M2", 0x04, 6.103515625e-5f), InlineData("F8_E5M2", 0x01, 1.52587890625e-5f)]
    [InlineData("F8_E5M2", 0x7c, float.PositiveInfinity), InlineData("F8_E5M2", 0xbc, -1f), InlineData("F8_E5M2", 0x7f, float.NaN)]
    public void Eight_bit_floats_are_read_exactly(string type, byte bits, float expected)
    {
        Write(type, 1, [bits]);
        using var read = Safetensors.Load(FilePath)["a"];
        Assert.Equal(expected, read.data<float>()[0]);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "uplicate")]
    [InlineData("""{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}""", 4, "unknown type F3")]
    [InlineData("""{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}""", 1, "whole byte")]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}""", 1, "of type F4, which is not supported")]
    [InlineData("""{"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}}""", 3, "of type F6_E2M3, which is not supported")]
    [InlineData("""{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "of type C64, which is not supported")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a gap or an overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "5 follow the header")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "3 follow the header")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296,16],"data_offsets":[0,0]}}""", 0, "too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]}}""", 0, "too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "exactly dtype, shape")]
    [InlineData("""{"a":3}""", 0, "exactly dtype, shape")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "__metadata__")]
    [InlineData("[1]", 0, "start with '{'")]
    [InlineData("{", 0, "JSON")]
    public void An_invalid_header_is_rejected_with_the_reason(string header, int values, string expected)
    {
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header),
            .. new byte[values]]);
        var error = Assert.Throws<InvalidDataException>(() => Safetensors.Load(FilePath));
        Assert.Contains(expected, error.Message);
        Assert.Contains(FilePath, error.Message);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1000UL)]
    [InlineData(1UL << 40)]
    [InlineData(ulong.MaxValue)]
    public void A_header_length_beyond_the_file_is_refused(ulong claimed)
    {
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes(claimed), (byte)'{', (byte)'}']);
        Assert.Throws<InvalidDataException>(() => Safetensors.Load(FilePath));
    }

    [Fact]
    public void Metadata_of_other_writers_is_skipped()
    {
        var header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""";
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header),
            .. BitConverter.GetBytes(2.5f)]);
        using var loaded = Assert.Single(Safetensors.Load(FilePath)).Value;
        Assert.Equal(2.5f, loaded.item<float>());
    }

    [Fact]
    public void Weights_are_copied_into_a_module_in_place()
    {
        using var saved = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4));
        using var other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4));
        var before = other.parameters().Select(parameter => parameter.Handle).ToArray();
        Safetensors.Save(FilePath, saved.state_dict());
        Safetensors.LoadInto(FilePath, other);
        Assert.Equal(before, other.parameters().Select(parameter => parameter.Handle));
        var expected = saved.state_dict();
        foreach (var (name, value) in other.state_dict()) Assert.True(SameBits(expected[name], value), name);
        Assert.All(other.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Mismatched_weights_are_named_and_change_nothing()
    {
        using var module = nn.Linear(2, 3);
        using var before = module.weight!.clone();
        using (var scope = NewDisposeScope()) Safetensors.Save(FilePath, [("weight", rand(3, 5)), ("extra", rand(1))]);
        var error = Assert.Throws<InvalidDataException>(() => Safetensors.LoadInto(FilePath, module));
        Assert.Contains("missing bias", error.Message);
        Assert.Contains("unexpected extra", error.Message);
        Assert.Contains("weight (file [3,5], model [3,2])", error.Message);
        Assert.True(SameBits(before, module.weight!));
    }

    [Fact]
    public void A_duplicate_name_and_an_unsupported_type_are_rejected_before_writing()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => Safetensors.Save(FilePath, [("a", rand(1)), ("a", rand(1))]));
        Assert.Throws<ArgumentException>(() => Safetensors.Save(FilePath, [("a", zeros(1, ScalarType.ComplexFloat32))]));
        Assert.Empty(Directory.GetFiles(_folder));
    }
}
