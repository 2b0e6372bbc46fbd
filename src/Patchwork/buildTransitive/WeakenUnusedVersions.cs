// This file is compiled twice: by MSBuild into the task that Patchwork.targets runs, and into the tests. It therefore has explicit usings
// and no language features that MSBuild's inline tasks do not support.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Patchwork.Build;

/// <summary>
/// Marks symbol versions that a shared library requires of libstdc++ but never uses as weak (<c>VER_FLG_WEAK</c>), so that a loader with
/// an older libstdc++ accepts the library. A version is unused when no relocation refers to a symbol bound to it, so that no call can go
/// through it.
/// Layout: System V ABI (ELF-64, little endian) and the Linux Standard Base, "Symbol Versioning".
/// </summary>
internal static class ElfVersions
{
    private const string Library = "libstdc++.so.6";
    private const int Weak = 2;

    /// <summary>
    /// Sets the flag in <paramref name="file"/> in place and returns the names of the versions that it now marks for the first time.
    /// </summary>
    public static List<string> WeakenUnused(byte[] file)
    {
        var changed = new List<string>();
        bool isElf64 = file.Length > 64 && file[0] == 0x7f && file[1] == 'E' && file[2] == 'L' && file[3] == 'F' && file[4] == 2
            && file[5] == 1;
        if (!isElf64)
        {
            return changed;
        }
        var image = new Image(file);
        HashSet<int> used = image.VersionsInUse();
        foreach (Need need in image.Needs())
        {
            bool weak = (BitConverter.ToUInt16(file, need.FlagsAt) & Weak) != 0;
            if (need.Library == Library && !weak && !used.Contains(need.Index))
            {
                file[need.FlagsAt] |= Weak;
                changed.Add(need.Version);
            }
        }
        return changed;
    }

    /// <summary>
    /// Lists the versions that the file requires of other libraries, in the file's order: "library version", followed by " weak" if it is
    /// marked weak.
    /// </summary>
    public static List<string> Describe(byte[] file)
    {
        var lines = new List<string>();
        foreach (Need need in new Image(file).Needs())
        {
            bool weak = (BitConverter.ToUInt16(file, need.FlagsAt) & Weak) != 0;
            lines.Add(need.Library + " " + need.Version + (weak ? " weak" : ""));
        }
        return lines;
    }

    private struct Need
    {
        public string Library;
        public string Version;
        public int Index;
        public int FlagsAt;
    }

    private sealed class Image
    {
        private readonly byte[] file;
        private readonly List<long[]> segments = new List<long[]>();
        private readonly Dictionary<long, long> dynamic = new Dictionary<long, long>();

        public Image(byte[] file)
        {
            this.file = file;
            long headers = Int64(32), dynamicAt = 0, dynamicSize = 0;
            for (int i = 0; i < UInt16(56); i++)
            {
                long header = headers + i * (long)UInt16(54);
                if (UInt32(header) == 1) // PT_LOAD
                {
                    segments.Add(new[] { Int64(header + 16), Int64(header + 8), Int64(header + 32) });
                }
                else if (UInt32(header) == 2) // PT_DYNAMIC
                {
                    dynamicAt = Int64(header + 8);
                    dynamicSize = Int64(header + 32);
                }
            }
            for (long at = dynamicAt; at < dynamicAt + dynamicSize && Int64(at) != 0; at += 16)
            {
                dynamic[Int64(at)] = Int64(at + 8);
            }
        }

        /// <summary>Elf64_Verneed entries (DT_VERNEED, DT_VERNEEDNUM) with their Elf64_Vernaux chains.</summary>
        public IEnumerable<Need> Needs()
        {
            long names = Table(5); // DT_STRTAB
            long need = Table(0x6ffffffe);
            long count = need < 0 ? 0 : dynamic[0x6fffffff];
            for (long i = 0; i < count; i++, need += UInt32(need + 12))
            {
                long version = need + UInt32(need + 8);
                for (int j = 0; j < UInt16(need + 2); j++, version += UInt32(version + 12))
                {
                    yield return new Need
                    {
                        Library = Text(names + UInt32(need + 4)),
                        Version = Text(names + UInt32(version + 8)),
                        Index = UInt16(version + 6) & 0x7fff,
                        FlagsAt = checked((int)version + 4),
                    };
                }
            }
        }

        /// <summary>
        /// Version indices of all symbols named by a relocation with addend (DT_RELA, DT_JMPREL); x86-64 and arm64 have no others.
        /// </summary>
        public HashSet<int> VersionsInUse()
        {
            var used = new HashSet<int>();
            long versions = Table(0x6ffffff0); // DT_VERSYM: one 16-bit index per symbol
            foreach (long[] table in new[] { new long[] { 7, 8 }, new long[] { 23, 2 } })
            {
                long start = Table(table[0]);
                long size = start < 0 ? 0 : dynamic[table[1]];
                for (long at = start; at < start + size; at += 24)
                {
                    used.Add(UInt16(versions + 2 * (Int64(at + 8) >> 32)) & 0x7fff);
                }
            }
            return used;
        }

        private long Table(long tag)
        {
            long address;
            if (!dynamic.TryGetValue(tag, out address))
            {
                return -1;
            }
            foreach (long[] segment in segments)
            {
                if (address >= segment[0] && address < segment[0] + segment[2])
                {
                    return address - segment[0] + segment[1];
                }
            }
            throw new InvalidDataException("the dynamic table points outside the file's segments");
        }

        private long Int64(long at) { return BitConverter.ToInt64(file, checked((int)at)); }

        private uint UInt32(long at) { return BitConverter.ToUInt32(file, checked((int)at)); }

        private ushort UInt16(long at) { return BitConverter.ToUInt16(file, checked((int)at)); }

        private string Text(long at)
        {
            int end = Array.IndexOf(file, (byte)0, checked((int)at));
            return Encoding.ASCII.GetString(file, (int)at, end - (int)at);
        }
    }
}
#if !NET
/// <summary>
/// The MSBuild task: writes <see cref="Target"/>, a copy of <see cref="Source"/> that older systems can load. The source is only read.
/// </summary>
public sealed class WeakenUnusedVersions : Microsoft.Build.Utilities.Task
{
    [Microsoft.Build.Framework.Required]
    public string Source { get; set; }

    [Microsoft.Build.Framework.Required]
    public string Target { get; set; }

    public override bool Execute()
    {
        byte[] file = File.ReadAllBytes(Source);
        List<string> changed = ElfVersions.WeakenUnused(file);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(Target)));
        File.Delete(Target); // it may be hard-linked into an output folder: never write through a link
        File.WriteAllBytes(Target, file);
        Log.LogMessage("{0}: unused versions made weak: {1}", Path.GetFileName(Target), string.Join(" ", changed));
        return true;
    }
}
#endif
