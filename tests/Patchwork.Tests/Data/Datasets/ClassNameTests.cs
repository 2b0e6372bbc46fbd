using Patchwork.Data;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class ClassNameTests
{
    [Theory]
    [InlineData("cafe\u0301", "caf\u00e9"), InlineData("Vie\u0323\u0302t", "Vi\u1ec7t"), InlineData("\u1112\u1161\u11ab\u1100\u116e\u11a8", "\ud55c\uad6d")]
    [InlineData("\u304b\u3099", "\u304c"), InlineData("plain", "plain"), InlineData("\u0301", "\u0301"), InlineData("", "")]
    public void Decomposed_letters_are_composed(string decomposed, string composed)
    {
        Assert.Equal(composed, ClassName.Composed(decomposed));
        Assert.Equal(composed, ClassName.Composed(composed));
    }

    [Fact]
    public void Every_letter_is_composed_as_in_Python()
    {
        Python.Need("unicodedata");
        const string script = """
            import unicodedata
            for code in range(0x80, 0xffff):
                if not 0xd800 <= code < 0xe000:
                    letter = chr(code)
                    parts = unicodedata.normalize('NFD', letter)
                    if parts != letter and unicodedata.normalize('NFC', parts) == letter:
                        print(f'{code:x}', ' '.join(f'{ord(part):x}' for part in parts))
            """;
        var lines = Python.Run(script).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 12_000);
        foreach (var line in lines)
        {
            char[] codes = [.. line.Trim().Split(' ').Select(code => (char)Convert.ToInt32(code, 16))];
            Assert.Equal(codes[0].ToString(), ClassName.Composed(new string(codes[1..])));
        }
    }
}
