using System.Text;
using static Pique.Tests.Formats.Hostile.GgufBytes;

namespace Pique.Tests.Formats.Hostile;

/// <summary>Malformed GGUF files, each one fault away from a valid one.</summary>
internal static class HostileGguf
{
    private const uint UInt8 = 0;
    private const uint UInt32 = 4;
    private const uint Bool = 7;
    private const uint String = 8;
    private const uint Array = 9;
    private const uint UInt64 = 10;
    private const uint F32 = 0;
    private const uint Q8 = 8;

    private const string Damaged = "the file is damaged, fetch or export it again";
    private const string Counting = "it is damaged or was cut short, fetch it again";

    /// <summary>The file that all others are made from: a key, four floats and two rows of 32 eight-bit weights.</summary>
    public static byte[] Valid() => WithTensors(file => file.Tensor("a", [4], F32, 0).Tensor("b", [32, 2], Q8, 32));

    public static IEnumerable<HostileCase> Cases() =>
        Headers().Concat(Keys()).Concat(Values()).Concat(Names()).Concat(Shapes()).Concat(Offsets());

    private static IEnumerable<HostileCase> Headers()
    {
        byte[] valid = Valid();
        yield return Case("empty", [], "is empty, expected a GGUF file; fetch it again");
        yield return Case("cut-in-magic", valid[..2], "header: ends at byte 2, 4 bytes are still to come at 0; the file was cut short, fetch it again");
        yield return Case("cut-in-version", valid[..6], "header: ends at byte 6, 4 bytes are still to come at 4; the file was cut short, fetch it again");
        yield return Case("cut-in-counts", valid[..20], $"header: claims 2 tensors of at least 33 bytes each, the file has 4 bytes left; {Counting}");
        yield return Case("magic-of-another-format", new GgufBytes { Magic = [.. "GGML"u8] }.ToArray(), "begins with the bytes 47474D4C, a GGUF file with 47475546 (\"GGUF\"); the file is damaged or of another format");
        yield return Case("version-0", new GgufBytes { Version = 0 }.ToArray(), "is of GGUF version 0, Pique reads versions 2 and 3; convert the file with a present llama.cpp");
        yield return Case("version-1", new GgufBytes { Version = 1 }.ToArray(), "is of GGUF version 1, Pique reads versions 2 and 3; convert the file with a present llama.cpp");
        yield return Case("version-of-the-future", new GgufBytes { Version = 4 }.ToArray(), "is of GGUF version 4, Pique reads versions 2 and 3; convert the file with a present llama.cpp");
        yield return Case("big-endian", new GgufBytes { Version = 3u << 24 }.ToArray(), "is a big-endian GGUF file, expected a little-endian one; fetch the little-endian file of the model");
        yield return Case("tensor-count-overflows", new GgufBytes { ClaimedTensors = ulong.MaxValue }.ToArray(), $"header: claims 18446744073709551615 tensors of at least 33 bytes each, the file has 16 bytes left; {Counting}");
        yield return Case("tensor-count-lies", new GgufBytes { ClaimedTensors = 1_000_000 }.ToArray(), $"header: claims 1000000 tensors of at least 33 bytes each, the file has 16 bytes left; {Counting}");
        yield return Case("key-count-overflows", new GgufBytes { ClaimedPairs = 1ul << 63 }.ToArray(), $"header: claims 9223372036854775808 keys of at least 14 bytes each, the file has 8 bytes left; {Counting}");
        yield return Case("key-count-lies", With(new GgufBytes { ClaimedPairs = 2 }, file => file), "key 2 of 2: ends at byte 64, 8 bytes are still to come at 63; the file was cut short, fetch it again");
        yield return Case("tensor-count-is-one-too-many", WithTensors(file => file.Tensor("a", [4], F32, 0).Tensor("b", [32, 2], Q8, 32), claimedTensors: 3), "tensor \"\": the name is empty; the file is damaged or made to do harm");
        yield return Case("cut-in-a-key", With(new GgufBytes(), file => file)[..40], $"key 1 of 1: claims 12 text bytes of at least 1 byte each, the file has 8 bytes left; {Counting}");
        yield return Case("cut-in-a-description", valid[..100], "tensor 2 of 2: ends at byte 100, 8 bytes are still to come at 96; the file was cut short, fetch it again");
        yield return Case("cut-in-a-tensor", valid[..^65], "tensor \"b\": ends at byte 260, the file has 223; it was cut short, fetch it again");
        yield return Case("bytes-after-the-last-tensor", [.. valid, .. new byte[7]], "has 295 bytes, the last tensor ends at 288 with its padding: 7 bytes belong to nothing; fetch or export the file again");
    }

    private static IEnumerable<HostileCase> Keys()
    {
        yield return Key("key-length-overflows", [.. U64(ulong.MaxValue), .. "ab"u8], $"key 2 of 2: claims 18446744073709551615 text bytes of at least 1 byte each, the file has 25 bytes left; {Counting}");
        yield return Key("key-length-reaches-past-the-end", [.. U64(1000), .. "ab"u8], $"key 2 of 2: claims 1000 text bytes of at least 1 byte each, the file has 25 bytes left; {Counting}");
        yield return Key("key-is-empty", Text(""), $"key 2 of 2: has 0 characters, expected 1 to 65535; {Damaged}");
        yield return Key("key-has-other-letters", Text("größe"), $"key 2 of 2: has characters other than printable ASCII; {Damaged}");
        yield return Key("key-has-a-terminal-escape", Text("a\u001b[2Jb"), $"key 2 of 2: has characters other than printable ASCII; {Damaged}");
        yield return Key("key-is-no-utf8", Text([0xC3, 0x28]), $"key 2 of 2: has text that is no valid UTF-8; {Damaged}");
        yield return Key("key-is-there-twice", Text("general.name"), $"key \"general.name\": is there twice, expected once; {Damaged}");
    }

    private static IEnumerable<HostileCase> Values()
    {
        yield return Value("value-type-unknown", 13, [], "key \"k\": value type 13 is unknown, expected 0 to 12; the file is damaged or of a newer format");
        yield return Value("element-type-unknown", Array, [.. U32(0xFFFF_FFFF), .. U64(1)], "key \"k\": value type 4294967295 is unknown, expected 0 to 12; the file is damaged or of a newer format");
        yield return Value("text-length-overflows", String, U64(1ul << 63), $"key \"k\": claims 9223372036854775808 text bytes of at least 1 byte each, the file has 12 bytes left; {Counting}");
        yield return Value("text-is-no-utf8", String, Text([0xFF]), $"key \"k\": has text that is no valid UTF-8; {Damaged}");
        yield return Value("text-has-half-a-surrogate-pair", String, Text([0xED, 0xA0, 0x80]), $"key \"k\": has text that is no valid UTF-8; {Damaged}");
        yield return Value("truth-value-of-2", Bool, [2], $"key \"k\": a truth value is stored as 2, expected 0 or 1; {Damaged}");
        yield return Value("truth-value-of-7-in-an-array", Array, [.. U32(Bool), .. U64(2), 1, 7], $"key \"k\": a truth value is stored as 7, expected 0 or 1; {Damaged}");
        yield return Value("array-count-overflows", Array, [.. U32(UInt64), .. U64(0x2000_0000_0000_0001)], $"key \"k\": claims 2305843009213693953 array elements of at least 8 bytes each, the file has 8 bytes left; {Counting}");
        yield return Value("array-count-lies", Array, [.. U32(UInt8), .. U64(5_000_000_000)], $"key \"k\": claims 5000000000 array elements of at least 1 byte each, the file has 8 bytes left; {Counting}");
        yield return Value("array-of-text-that-lies", Array, [.. U32(String), .. U64(2), .. Text("x"), .. U64(1ul << 40)], $"key \"k\": claims 1099511627776 text bytes of at least 1 byte each, the file has 23 bytes left; {Counting}");
        yield return Value("arrays-five-deep", Array, [.. Nested(4), .. U32(UInt8), .. U64(0)], "key \"k\": arrays are nested more than 4 deep; no known key needs that, the file is damaged or made to exhaust memory");
        yield return Value("arrays-a-hundred-deep", Array, [.. Nested(99), .. U32(UInt8), .. U64(0)], "key \"k\": arrays are nested more than 4 deep; no known key needs that, the file is damaged or made to exhaust memory");
        yield return Value("arrays-cut-short", Array, [.. Nested(3), .. U32(UInt64), .. U64(9)], $"key \"k\": claims 9 array elements of at least 8 bytes each, the file has 4 bytes left; {Counting}");
        yield return Alignment("alignment-of-0", UInt32, U32(0), "is 0, expected a power of two from 1 to 1048576; export the file again");
        yield return Alignment("alignment-of-3", UInt32, U32(3), "is 3, expected a power of two from 1 to 1048576; export the file again");
        yield return Alignment("alignment-of-2-gigabytes", UInt32, U32(1u << 31), "is 2147483648, expected a power of two from 1 to 1048576; export the file again");
        yield return Alignment("alignment-of-64-bits", UInt64, U64(32), "is UInt64, expected UInt32; export the file again");
        yield return Alignment("alignment-of-text", String, Text("32"), "is String, expected UInt32; export the file again");
    }

    private static IEnumerable<HostileCase> Names()
    {
        const string Harm = "the file is damaged or made to do harm";
        yield return Name("name-with-a-path-separator", Text("../../etc/passwd"), $"tensor \"../../etc/passwd\": the name has a path separator; {Harm}");
        yield return Name("name-with-a-backslash", Text("..\\model"), $"tensor \"..\\model\": the name has a path separator; {Harm}");
        yield return Name("name-with-a-terminal-escape", Text("a\u001b]0;b\u0007"), $"tensor \"a\\u001B]0;b\\u0007\": the name has a control character; {Harm}");
        yield return Name("name-is-empty", Text(""), $"tensor \"\": the name is empty; {Harm}");
        yield return Name("name-of-65-bytes", Text(new string('n', 65)), $"tensor 1 of 1: the name has 65 bytes, at most 64 are allowed; {Damaged}");
        yield return Name("name-is-no-utf8", Text([0x80]), $"tensor 1 of 1: has text that is no valid UTF-8; {Damaged}");
        yield return Name("name-length-overflows", U64(ulong.MaxValue), $"tensor 1 of 1: claims 18446744073709551615 text bytes of at least 1 byte each, the file has 153 bytes left; {Counting}");
        yield return Case("name-is-there-twice", WithTensors(file => file.Tensor("a", [4], F32, 0).Tensor("a", [4], F32, 32)), $"tensor \"a\": is there twice, expected once; {Damaged}");
    }

    private static IEnumerable<HostileCase> Shapes()
    {
        yield return Shape("no-dimensions", 0, [], F32, $"has 0 dimensions, expected 1 to 4; {Damaged}");
        yield return Shape("five-dimensions", 5, [1, 1, 1, 1, 4], F32, $"has 5 dimensions, expected 1 to 4; {Damaged}");
        yield return Shape("dimension-count-overflows", uint.MaxValue, [4], F32, $"has 4294967295 dimensions, expected 1 to 4; {Damaged}");
        yield return Shape("size-of-zero", 2, [4, 0], F32, $"has shape [0, 4], expected sizes from 1 to 9223372036854775807; {Damaged}");
        yield return Shape("size-is-negative", 1, [ulong.MaxValue], F32, $"has shape [-1], expected sizes from 1 to 9223372036854775807; {Damaged}");
        yield return Shape("element-count-overflows", 3, [1ul << 32, 1ul << 32, 4], F32, $"shape [4, 4294967296, 4294967296] overflows: it asks for more than 9223372036854775807 elements or bytes; {Damaged}");
        yield return Shape("byte-count-overflows", 1, [1ul << 62], F32, $"shape [4611686018427387904] overflows: it asks for more than 9223372036854775807 elements or bytes; {Damaged}");
        yield return Shape("more-elements-than-bytes", 1, [1ul << 40], F32, "ends at byte 4398046511200, the file has 224; it was cut short, fetch it again");
        yield return Shape("last-byte-overflows", 1, [(1ul << 61) - 1], F32, "ends at byte 9223372036854775900, expected at most 9223372036854775807; the file is damaged, fetch or export it again");
        yield return Shape("row-is-no-multiple-of-the-block", 1, [33], Q8, $"rows of 33 weights are no multiple of the 32 of a Q8_0 block; {Damaged}");
        yield return Shape("type-was-removed", 1, [4], 4, $"is of ggml type 4, Pique reads {GgufTypes}; convert the model to one of these");
        yield return Shape("type-unknown", 1, [4], 0x8000_0000, $"is of ggml type 2147483648, Pique reads {GgufTypes}; convert the model to one of these");
    }

    private static IEnumerable<HostileCase> Offsets()
    {
        const string Place = "where the tensor before it ends: tensors neither overlap nor leave holes";
        yield return Offset("offset-is-misaligned", 0, 33, $"begins at byte 33 of the data, expected a multiple of the alignment 32; {Damaged}");
        yield return Offset("tensors-overlap", 0, 0, $"begins at byte 0 of the data, expected 32, {Place}; {Damaged}");
        yield return Offset("tensors-leave-a-hole", 0, 64, $"begins at byte 64 of the data, expected 32, {Place}; {Damaged}");
        yield return Offset("offset-reaches-past-the-end", 0, 1ul << 40, $"begins at byte 1099511627776 of the data, expected 32, {Place}; {Damaged}");
        yield return Offset("offset-overflows", 0, ulong.MaxValue - 31, $"begins at byte 18446744073709551584 of the data, expected at most 9223372036854775807; {Damaged}");
        yield return Case("tensors-in-a-ring", WithTensors(file => file.Tensor("a", [4], F32, 96).Tensor("b", [32, 2], Q8, 0)), $"tensor \"a\": begins at byte 96 of the data, expected 0, {Place}; {Damaged}");
    }

    private static string GgufTypes => "F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, BF16, TQ1_0, TQ2_0, Q1_0, Q2_0";

    private static HostileCase Case(string name, byte[] content, string message) =>
        new(name, HostileEntry.Gguf, new Dictionary<string, byte[]> { [$"{name}.gguf"] = content }, $"{{path}}: {message}");

    private static HostileCase Key(string name, byte[] key, string message) => Case(name, With(new GgufBytes(), file => file.Pair(key, UInt8, [1])), message);

    private static HostileCase Value(string name, uint type, byte[] value, string message) => Case(name, With(new GgufBytes(), file => file.Pair("k", type, value)), message);

    private static HostileCase Alignment(string name, uint type, byte[] value, string message) =>
        Case(name, With(new GgufBytes(), file => file.Pair("general.alignment", type, value)), $"key \"general.alignment\": {message}");

    private static HostileCase Name(string name, byte[] tensorName, string message) =>
        Case(name, WithTensors(file => file.Tensor(tensorName, 1, [4], F32, 0)), message);

    private static HostileCase Shape(string name, uint dimensions, ulong[] sizes, uint type, string message) =>
        Case(name, WithTensors(file => file.Tensor(Text("a"), dimensions, sizes, type, 0)), $"tensor \"a\": {message}");

    private static HostileCase Offset(string name, ulong first, ulong second, string message) =>
        Case(name, WithTensors(file => file.Tensor("a", [4], F32, first).Tensor("b", [32, 2], Q8, second)), $"tensor \"b\": {message}");

    private static byte[] With(GgufBytes file, Func<GgufBytes, GgufBytes> add) =>
        add(file.Pair("general.name", String, Text("hostile"))).ToArray();

    /// <summary>Data of the two valid tensors: 1, 2, 3, 4 and, after padding, 64 codes with scales of one.</summary>
    private static byte[] WithTensors(Func<GgufBytes, GgufBytes> add, ulong? claimedTensors = null)
    {
        byte[] floats = [.. new[] { 1f, 2f, 3f, 4f }.SelectMany(BitConverter.GetBytes)];
        byte[] block = [0x00, 0x3C, .. Enumerable.Range(1, 32).Select(code => (byte)code)];
        GgufBytes file = new() { ClaimedTensors = claimedTensors, Content = [.. floats, .. new byte[16], .. block, .. block, .. new byte[28]] };
        return With(file, add);
    }

    /// <summary>Heads of arrays of one array each.</summary>
    private static byte[] Nested(int depth) => [.. Enumerable.Repeat((byte[])[.. U32(Array), .. U64(1)], depth).SelectMany(head => head)];
}
