using System.Buffers.Binary;
using System.Text;

namespace Pique;

/// <summary>
/// Marks a symbol version that a shared object asks for as weak, so that the loader accepts a library without it.
/// </summary>
/// <remarks>
/// A shared object lists the symbol versions it needs (<c>DT_VERNEED</c>: a chain of <c>Elf64_Verneed</c>, one for each
/// library, each with a chain of <c>Elf64_Vernaux</c>, one for each version). The loader refuses the object when one of
/// them is missing, even where no relocation uses a symbol of that version, unless <c>vna_flags</c> carries
/// <c>VER_FLG_WEAK</c>. Only that flag is written; every other byte stays. The structures are found as the loader finds
/// them, through the program headers, and every offset is checked against the file.
/// Linux Standard Base Core 5.0, "Symbol Versioning"; System V ABI, "Object Files".
/// </remarks>
internal static class ElfVersionPatcher
{
    private const ushort WeakFlag = 0x2;
    private const uint LoadSegment = 1;
    private const uint DynamicSegment = 2;
    private const ulong StringTableTag = 5;
    private const ulong VersionNeedTag = 0x6ffffffe;
    private const ulong VersionNeedCountTag = 0x6fffffff;
    private const ushort X8664Machine = 62;
    private const int ProgramHeaderBytes = 56;

    /// <summary>Returns a copy of a shared object in which every need of one version is weak.</summary>
    /// <param name="sharedObject">The file, ELF64 little-endian x86-64.</param>
    /// <param name="version">Version to mark, such as "GLIBCXX_3.4.32".</param>
    /// <param name="source">Where the bytes come from, for messages.</param>
    /// <returns>The patched copy, of the same length.</returns>
    /// <exception cref="InputException">The bytes are no such file, point outside of it, or never ask for the version.</exception>
    public static byte[] MarkWeak(ReadOnlySpan<byte> sharedObject, string version, string source)
    {
        var reader = new Reader(sharedObject, source);
        if (sharedObject.Length < 64 || !sharedObject.StartsWith("\u007fELF\u0002\u0001"u8) || reader.U16(18) != X8664Machine)
            throw reader.Malformed("the header is not that of an x86-64 ELF file");
        if (reader.U16(54) != ProgramHeaderBytes)
            throw reader.Malformed($"program headers are {reader.U16(54)} bytes each, not {ProgramHeaderBytes}");

        (ulong needAddress, ulong needCount, ulong stringAddress) = FindVersionTable(reader);
        byte[] patched = sharedObject.ToArray();
        byte[] wanted = [.. Encoding.UTF8.GetBytes(version), 0];
        ulong strings = FileOffset(reader, stringAddress);
        ulong need = needCount == 0 ? 0 : FileOffset(reader, needAddress);
        bool found = false;
        for (ulong i = 0; i < needCount; i++)
        {
            ulong auxiliary = need + reader.U32(need + 8);
            for (int remaining = reader.U16(need + 2); remaining > 0; remaining--)
            {
                if (reader.StartsWith(strings + reader.U32(auxiliary + 8), wanted))
                {
                    ulong flagsAt = auxiliary + 4;
                    ushort flags = reader.U16(flagsAt); // refuses an offset outside of the file
                    BinaryPrimitives.WriteUInt16LittleEndian(patched.AsSpan((int)flagsAt), (ushort)(flags | WeakFlag));
                    found = true;
                }
                uint toNext = reader.U32(auxiliary + 12);
                if (toNext == 0)
                    break;
                auxiliary += toNext;
            }
            uint toNextNeed = reader.U32(need + 12);
            if (toNextNeed == 0)
                break;
            need += toNextNeed;
        }
        return found
            ? patched
            : throw new InputException($"{source}: asks for no symbol version {version}, so there is none to make weak; use the library that belongs to this release of TorchSharp.");
    }

    private static (ulong NeedAddress, ulong NeedCount, ulong StringAddress) FindVersionTable(Reader reader)
    {
        ulong need = 0, count = 0, strings = 0;
        for (int i = 0; i < reader.U16(56); i++)
        {
            ulong header = reader.U64(32) + (ulong)(i * ProgramHeaderBytes);
            if (reader.U32(header) != DynamicSegment)
                continue;
            ulong start = reader.U64(header + 8);
            ulong entries = reader.U64(header + 32) / 16;
            for (ulong entry = 0; entry < entries; entry++)
            {
                ulong tag = reader.U64(start + (entry * 16));
                ulong value = reader.U64(start + (entry * 16) + 8);
                if (tag == 0)
                    break;
                else if (tag == StringTableTag)
                    strings = value;
                else if (tag == VersionNeedTag)
                    need = value;
                else if (tag == VersionNeedCountTag)
                    count = value;
            }
        }
        return (need, count, strings);
    }

    private static ulong FileOffset(Reader reader, ulong address)
    {
        for (int i = 0; i < reader.U16(56); i++)
        {
            ulong header = reader.U64(32) + (ulong)(i * ProgramHeaderBytes);
            ulong segmentAddress = reader.U64(header + 16);
            if (reader.U32(header) == LoadSegment && address >= segmentAddress && address - segmentAddress < reader.U64(header + 32))
                return reader.U64(header + 8) + (address - segmentAddress);
        }
        throw reader.Malformed($"address 0x{address:x} is in no loaded segment");
    }

    private readonly ref struct Reader(ReadOnlySpan<byte> file, string source)
    {
        private readonly ReadOnlySpan<byte> _file = file;

        public ushort U16(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(offset, 2));

        public uint U32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(offset, 4));

        public ulong U64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(offset, 8));

        public bool StartsWith(ulong offset, ReadOnlySpan<byte> bytes) => offset <= (ulong)_file.Length
            ? _file[(int)offset..].StartsWith(bytes)
            : throw Malformed($"a version name at offset {offset} lies outside of its {_file.Length} bytes");

        public InputException Malformed(string what) =>
            new($"{source}: {what}, so it is no shared object that can be patched; restore the package it came from.");

        private ReadOnlySpan<byte> Slice(ulong offset, int length) => offset <= (ulong)_file.Length && (ulong)_file.Length - offset >= (ulong)length
            ? _file.Slice((int)offset, length)
            : throw Malformed($"{length} bytes at offset {offset} lie outside of its {_file.Length} bytes");
    }
}
