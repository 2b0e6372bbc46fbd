using System.Buffers.Binary;
using System.Reflection.PortableExecutable;
using System.Text;

namespace Patchwork.Tests.Packaging;

/// <summary>The names that a Windows library imports and exports (Microsoft's PE format, sections 6.3 and 6.4).</summary>
/// <param name="Exports">The names that it exports.</param>
/// <param name="Imports">The names that it imports, keyed by the library that must export them.</param>
internal sealed record PeFile(IReadOnlySet<string> Exports, IReadOnlyDictionary<string, IReadOnlyList<string>> Imports)
{
    /// <summary>Reads a 64-bit library; null for a .NET assembly, whose imports are of another kind.</summary>
    public static PeFile? Read(string path) => new Reader(File.ReadAllBytes(path)).Read();

    private sealed class Reader(byte[] file)
    {
        private readonly PEHeaders headers = new(new MemoryStream(file));

        public PeFile? Read()
        {
            var optional = headers.PEHeader ?? throw new BadImageFormatException("no PE file");
            return headers.CorHeader is not null ? null : new(ReadExports(optional.ExportTableDirectory), ReadImports(optional.ImportTableDirectory));
        }

        private HashSet<string> ReadExports(DirectoryEntry directory)
        {
            if (directory.Size == 0)
                return [];
            var table = At(directory.RelativeVirtualAddress);
            var (count, names) = (Number(table + 24), At(Number(table + 32)));
            return [.. Enumerable.Range(0, count).Select(i => Text(At(Number(names + 4 * i))))];
        }

        private Dictionary<string, IReadOnlyList<string>> ReadImports(DirectoryEntry directory)
        {
            var imports = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
            if (directory.Size == 0)
                return imports;
            const int entry = 20, pointer = 8;
            for (var one = At(directory.RelativeVirtualAddress); Number(one + 12) != 0; one += entry)
            {
                var names = new List<string>();
                // the lookup table or, if the linker omitted it, the address table, which is the same until the file is loaded
                for (var place = At(Number(one) is not 0 and var lookup ? lookup : Number(one + 16)); ; place += pointer)
                {
                    var value = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(place));
                    if (value == 0)
                        break;
                    if (value > 0)      // negative values are imports by number
                        names.Add(Text(At((int)value) + 2));
                }
                imports[Text(At(Number(one + 12)))] = names;
            }
            return imports;
        }

        private int At(int address)
        {
            var section = headers.SectionHeaders.Single(one =>
                address >= one.VirtualAddress && address < one.VirtualAddress + Math.Max(one.VirtualSize, one.SizeOfRawData));
            return address - section.VirtualAddress + section.PointerToRawData;
        }

        private int Number(int place) => BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(place));

        private string Text(int place) => Encoding.ASCII.GetString(file, place, file.AsSpan(place).IndexOf((byte)0));
    }
}
