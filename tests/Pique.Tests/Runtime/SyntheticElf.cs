using System.Runtime.InteropServices;
using System.Text;

namespace Pique.Tests.Runtime;

/// <summary>The least that the version patcher reads: one segment, loaded at an address that is not its place in the file.</summary>
internal static class SyntheticElf
{
    public const int DynamicAt = 64 + (2 * 56);
    public const int NeedAt = DynamicAt + (4 * 16);
    public const int FirstFlagsAt = NeedAt + 16 + 4;
    public const int SecondFlagsAt = FirstFlagsAt + 16;
    private const long LoadAddress = 0x10000;

    /// <summary>Writes a file that needs two versions of one library.</summary>
    public static byte[] NeedingVersions(string first, string second)
    {
        var stream = new MemoryStream();
        var file = new BinaryWriter(stream);
        byte[] strings = Encoding.ASCII.GetBytes($"\0libx.so\0{first}\0{second}\0");
        int stringsAt = NeedAt + (3 * 16);
        int length = stringsAt + strings.Length;

        file.Write("\u007fELF\u0002\u0001\u0001"u8);
        file.Write(new byte[9]);
        file.WriteShorts(3, 62);
        file.WriteInts(1);
        file.WriteLongs(0, 64, 0);
        file.WriteInts(0);
        file.WriteShorts(64, 56, 2, 0, 0, 0);

        file.WriteInts(1, 4);
        file.WriteLongs(0, LoadAddress, LoadAddress, length, length, 4096);
        file.WriteInts(2, 4);
        file.WriteLongs(DynamicAt, LoadAddress + DynamicAt, LoadAddress + DynamicAt, 4 * 16, 4 * 16, 8);

        file.WriteLongs(5, LoadAddress + stringsAt);
        file.WriteLongs(0x6ffffffe, LoadAddress + NeedAt);
        file.WriteLongs(0x6fffffff, 1);
        file.WriteLongs(0, 0);

        file.WriteShorts(1, 2);
        file.WriteInts(1, 16, 0);
        WriteAuxiliary(file, name: 9, toNext: 16);
        WriteAuxiliary(file, name: 9 + first.Length + 1, toNext: 0);
        file.Write(strings);
        return stream.ToArray();
    }

    private static void WriteAuxiliary(BinaryWriter file, int name, int toNext)
    {
        file.WriteInts(0x1234);
        file.WriteShorts(0, 7);
        file.WriteInts(name, toNext);
    }

    private static void WriteLongs(this BinaryWriter file, params ReadOnlySpan<long> fields) => file.Write(MemoryMarshal.AsBytes(fields));

    private static void WriteInts(this BinaryWriter file, params ReadOnlySpan<int> fields) => file.Write(MemoryMarshal.AsBytes(fields));

    private static void WriteShorts(this BinaryWriter file, params ReadOnlySpan<short> fields) => file.Write(MemoryMarshal.AsBytes(fields));
}
