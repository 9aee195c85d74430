using System.Buffers.Binary;
using System.Text;

namespace Pique;

/// <summary>Writes the smallest useful shared object: one exported function that returns a constant.</summary>
/// <remarks>
/// The file has no section headers, which only linkers and debuggers read. Its parts, in order: ELF header, four program
/// headers (code, dynamic data, the dynamic table, a stack that is not executable), hash table, symbol table, string
/// table, code, dynamic table. The loader writes into the dynamic table, so that has a writable segment of its own, one
/// page further in memory than in the file.
/// System V ABI, "Object Files" and "Program Loading"; AMD64 supplement.
/// </remarks>
internal static class ElfSharedObjectWriter
{
    private const int HeaderBytes = 64;
    private const int ProgramHeaderBytes = 56;
    private const int ProgramHeaders = 4;
    private const int SymbolBytes = 24;
    private const int PageBytes = 4096;
    private const int Readable = 4;
    private const int Writable = 2;
    private const int Executable = 1;

    /// <summary>Writes a shared object for x86-64 that exports <c>int name(void)</c>.</summary>
    /// <param name="name">Name of the function, ASCII.</param>
    /// <param name="returnValue">What it returns.</param>
    /// <returns>The file.</returns>
    public static byte[] ConstantFunction(string name, int returnValue)
    {
        byte[] strings = [0, .. Encoding.ASCII.GetBytes(name), 0];
        byte[] code = [0xb8, 0, 0, 0, 0, 0xc3]; // mov eax, returnValue; ret
        BinaryPrimitives.WriteInt32LittleEndian(code.AsSpan(1), returnValue);

        int hashAt = HeaderBytes + (ProgramHeaders * ProgramHeaderBytes);
        int symbolsAt = hashAt + 24;
        int stringsAt = symbolsAt + (2 * SymbolBytes);
        int codeAt = Align(stringsAt + strings.Length, 16);
        int dynamicAt = Align(codeAt + code.Length, 8);
        (ulong Tag, int Value)[] dynamic = [(4, hashAt), (5, stringsAt), (6, symbolsAt), (10, strings.Length), (11, SymbolBytes), (0, 0)];
        int dynamicBytes = dynamic.Length * 16;
        if (dynamicAt + dynamicBytes > PageBytes)
            throw new ArgumentException($"A name of {name.Length} characters does not fit into one page.", nameof(name));

        var file = new BinaryWriter(new MemoryStream());
        WriteHeader(file);
        WriteSegment(file, 1, Readable | Executable, 0, 0, dynamicAt, PageBytes);
        WriteSegment(file, 1, Readable | Writable, dynamicAt, PageBytes + dynamicAt, dynamicBytes, PageBytes);
        WriteSegment(file, 2, Readable | Writable, dynamicAt, PageBytes + dynamicAt, dynamicBytes, 8);
        WriteSegment(file, 0x6474e551, Readable | Writable, 0, 0, 0, 16);
        foreach (int word in (int[])[1, 2, 1, 0, 0, 0]) // one bucket, two symbols, bucket 0 holds symbol 1, both chains end; padding
            file.Write(word);
        file.Write(new byte[SymbolBytes]);
        file.Write(1); // name
        file.Write((byte)0x12); // global function
        file.Write((byte)0);
        file.Write((short)1); // defined, relative to the load address
        file.Write((long)codeAt);
        file.Write((long)code.Length);
        file.Write(strings);
        PadTo(file, codeAt);
        file.Write(code);
        PadTo(file, dynamicAt);
        foreach ((ulong tag, int value) in dynamic)
        {
            file.Write(tag);
            file.Write((long)value);
        }
        return ((MemoryStream)file.BaseStream).ToArray();
    }

    private static void WriteHeader(BinaryWriter file)
    {
        file.Write("\u007fELF\u0002\u0001\u0001"u8); // 64 bit, little-endian, version 1
        PadTo(file, 16);
        file.Write((short)3); // shared object
        file.Write((short)62); // x86-64
        file.Write(1);
        file.Write(0L); // no entry point
        file.Write((long)HeaderBytes);
        file.Write(0L); // no section headers
        file.Write(0);
        file.Write((short)HeaderBytes);
        file.Write((short)ProgramHeaderBytes);
        file.Write((short)ProgramHeaders);
        PadTo(file, HeaderBytes);
    }

    private static void WriteSegment(BinaryWriter file, int kind, int access, int offset, int address, int length, int alignment)
    {
        file.Write(kind);
        file.Write(access);
        foreach (long field in (long[])[offset, address, address, length, length, alignment])
            file.Write(field);
    }

    private static void PadTo(BinaryWriter file, int offset) => file.Write(new byte[offset - (int)file.BaseStream.Length]);

    private static int Align(int offset, int bytes) => (offset + bytes - 1) / bytes * bytes;
}
