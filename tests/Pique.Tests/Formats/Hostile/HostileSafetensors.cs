using System.Text;

namespace Pique.Tests.Formats.Hostile;

/// <summary>Malformed safetensors files, each one fault away from a valid one.</summary>
internal static class HostileSafetensors
{
    private const string Again = "fetch or export the file again";
    private const string Tensor = """{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}""";
    private const string Empty = """{"dtype":"F32","shape":[0],"data_offsets":[16,16]}""";

    private static readonly byte[] Content = [.. new[] { 1f, 2f, 3f, 4f }.SelectMany(BitConverter.GetBytes)];

    /// <summary>The file that all others are made from: four floats in a square.</summary>
    public static byte[] Valid() => File($$"""{"w":{{Tensor}}}""");

    public static IEnumerable<HostileCase> Cases() => Lengths().Concat(Json()).Concat(Descriptions()).Concat(Layouts());

    private static IEnumerable<HostileCase> Lengths()
    {
        const string Whole = "at most 100000000 are allowed; the file is damaged or of another format";
        byte[] valid = Valid();
        yield return Case("empty", [], "has 0 bytes, a safetensors file has at least 8; fetch it again");
        yield return Case("cut-in-the-length", valid[..5], "has 5 bytes, a safetensors file has at least 8; fetch it again");
        yield return Case("header-length-overflows", WithLength(ulong.MaxValue), $"the safetensors header claims 18446744073709551615 bytes, {Whole}");
        yield return Case("header-length-is-negative", WithLength(1ul << 63), $"the safetensors header claims 9223372036854775808 bytes, {Whole}");
        yield return Case("header-length-of-a-terabyte", WithLength(1ul << 40), $"the safetensors header claims 1099511627776 bytes, {Whole}");
        yield return Case("header-length-reaches-past-the-end", WithLength(99_999_999), "the safetensors header claims 99999999 bytes, the file has 73 after the length field; it was cut short, fetch it again");
        yield return Case("header-length-reaches-into-the-data", WithLength((ulong)valid.Length - 8 - 15), "the safetensors header is no valid JSON ('0x00' is invalid after a single JSON value. Expected end of data. LineNumber: 0 | BytePositionInLine: 57.); fetch or export the file again");
        yield return Case("header-length-of-zero", WithLength(0), "the safetensors header does not begin with '{'; the file is damaged or of another format");
        yield return Case("header-length-is-too-small", WithLength(20), "the safetensors header is no valid JSON (Expected start of a property name or value, but instead reached end of data. LineNumber: 0 | BytePositionInLine: 19.); fetch or export the file again");
        yield return Case("cut-in-the-header", valid[..30], "the safetensors header claims 57 bytes, the file has 22 after the length field; it was cut short, fetch it again");
        yield return Case("cut-in-a-tensor", valid[..^1], "tensor \"w\" data_offsets [0, 16] reach past the file's 15 bytes of data; fetch or export the file again");
        yield return Case("bytes-after-the-last-tensor", [.. valid, 0], "the tensors cover 16 bytes of data, the file has 17; fetch or export the file again");
        yield return Case("gguf-in-disguise", HostileGguf.Valid(), "the safetensors header claims 14064895815 bytes, at most 100000000 are allowed; the file is damaged or of another format");
    }

    private static IEnumerable<HostileCase> Json()
    {
        yield return Header("header-is-an-array", "[]", "the safetensors header does not begin with '{'; the file is damaged or of another format");
        yield return Header("header-is-not-closed", $$"""{"w":{{Tensor}}""", "the safetensors header is no valid JSON (Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed. LineNumber: 0 | BytePositionInLine: 56.); fetch or export the file again");
        yield return Header("header-is-followed-by-another", $$"""{"w":{{Tensor}}}{}""", "the safetensors header is no valid JSON ('{' is invalid after a single JSON value. Expected end of data. LineNumber: 0 | BytePositionInLine: 57.); fetch or export the file again");
        yield return Header("trailing-comma", $$"""{"w":{{Tensor}},}""", "the safetensors header is no valid JSON (The JSON object contains a trailing comma at the end which is not supported in this mode. Change the reader options. LineNumber: 0 | BytePositionInLine: 57.); fetch or export the file again");
        yield return Header("comment", $$"""{/**/"w":{{Tensor}}}""", "the safetensors header is no valid JSON ('/' is invalid after a value. Expected either ',', '}', or ']'. LineNumber: 0 | BytePositionInLine: 1.); fetch or export the file again");
        yield return Header("metadata-nested-deep", $$$"""{"__metadata__":{"a":{{{Nested(500)}}}},"w":{{{Tensor}}}}""", "__metadata__.a is an object, expected a string; export the file again");
        yield return Header("shape-nested-deep", """{"w":{"dtype":"F32","shape":[[[[[[[[2]]]]]]]],"data_offsets":[0,16]}}""", "tensor \"w\" shape[0] is an array, expected a whole number from 0 to 9223372036854775807; fetch or export the file again");
        yield return Header("tensor-nested-deep", $$$"""{"w":{{{Nested(500)}}}}""", $"tensor \"w\" has an unknown field \"a\", expected dtype, shape and data_offsets; {Again}");
        yield return Header("metadata-is-an-array", $$"""{"__metadata__":[],"w":{{Tensor}}}""", "__metadata__ is an array, expected an object of strings; export the file again");
        yield return Header("metadata-is-a-number", $$$"""{"__metadata__":{"step":3},"w":{{{Tensor}}}}""", "__metadata__.step is a number, expected a string; export the file again");
        yield return Header("metadata-is-there-twice", $$"""{"__metadata__":{},"__metadata__":{},"w":{{Tensor}}}""", $"tensor \"__metadata__\" is there twice, expected once; {Again}");
        yield return Header("metadata-key-is-there-twice", $$$"""{"__metadata__":{"a":"1","\u0061":"2"},"w":{{{Tensor}}}}""", "__metadata__.a is there twice, expected once; export the file again");
        yield return Header("metadata-has-half-a-surrogate-pair", $$$"""{"__metadata__":{"a":"\ud800"},"w":{{{Tensor}}}}""", "the safetensors header is no valid JSON (Cannot read incomplete UTF-16 JSON text as string with missing low surrogate.); fetch or export the file again");
        yield return Case("name-is-no-utf8", File(Encoding.Latin1.GetBytes($$"""{"ÿ":{{Tensor}}}""")), "the safetensors header is no valid JSON (Cannot transcode invalid UTF-8 JSON text to UTF-16 string.); fetch or export the file again");
        yield return Header("name-has-half-a-surrogate-pair", $$"""{"\udc00":{{Tensor}}}""", "the safetensors header is no valid JSON (Cannot read invalid UTF-16 JSON text as string. Invalid surrogate value: '0xDC00'.); fetch or export the file again");
    }

    private static IEnumerable<HostileCase> Descriptions()
    {
        const string Known = "expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64";
        yield return Header("name-with-a-path-separator", $$"""{"../../etc/passwd":{{Tensor}}}""", $"tensor \"../../etc/passwd\" has a name that has a path separator; {Again}");
        yield return Header("name-with-a-backslash", $$"""{"..\\w":{{Tensor}}}""", $"tensor \"..\\w\" has a name that has a path separator; {Again}");
        yield return Header("name-with-a-terminal-escape", $$"""{"\u001b[2J\u202e":{{Tensor}}}""", $"tensor \"\\u001B[2J\\u202E\" has a name that has a control character; {Again}");
        yield return Header("name-is-empty", $$"""{"":{{Tensor}}}""", $"tensor \"\" has a name that is empty; {Again}");
        yield return Header("name-of-2000-characters-twice", $$"""{"{{new string('n', 2000)}}":{{Tensor}},"{{new string('n', 2000)}}":{{Empty}}}""", $"tensor \"{new string('n', 120)}… (2000 characters)\" is there twice, expected once; {Again}");
        yield return Header("name-is-there-twice", $$"""{"w":{{Tensor}},"\u0077":{{Empty}}}""", $"tensor \"w\" is there twice, expected once; {Again}");
        yield return Header("tensor-is-null", """{"w":null}""", $"tensor \"w\" is described by null, expected an object with dtype, shape and data_offsets; {Again}");
        yield return Described("dtype-is-missing", """ "shape":[2,2],"data_offsets":[0,16] """, "lacks dtype");
        yield return Described("dtype-is-there-twice", """ "dtype":"F32","dtype":"U8","shape":[2,2],"data_offsets":[0,16] """, "has dtype twice, expected it once");
        yield return Described("dtype-unknown", """ "dtype":"F128","shape":[2,2],"data_offsets":[0,16] """, $"dtype \"F128\" is unknown, {Known}");
        yield return Described("dtype-is-a-number", """ "dtype":0,"shape":[2,2],"data_offsets":[0,16] """, "dtype is a number, expected a string");
        yield return Described("field-unknown", """ "dtype":"F32","shape":[2,2],"data_offsets":[0,16],"strides":[1] """, "has an unknown field \"strides\", expected dtype, shape and data_offsets");
        yield return Described("shape-is-text", """ "dtype":"F32","shape":"2x2","data_offsets":[0,16] """, "shape is a string, expected an array of whole numbers");
        yield return Described("size-is-negative", """ "dtype":"F32","shape":[-2,-2],"data_offsets":[0,16] """, "shape[0] is -2, expected a whole number from 0 to 9223372036854775807");
        yield return Described("size-is-a-fraction", """ "dtype":"F32","shape":[2,2e0],"data_offsets":[0,16] """, "shape[1] is 2e0, expected a whole number from 0 to 9223372036854775807");
        yield return Described("size-overflows", """ "dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,16] """, "shape[0] is 18446744073709551617, expected a whole number from 0 to 9223372036854775807");
        yield return Described("size-of-a-thousand-digits", $$""" "dtype":"F32","shape":[{{new string('9', 1000)}}],"data_offsets":[0,16] """, $"shape[0] is {new string('9', 120)}… (1000 characters), expected a whole number from 0 to 9223372036854775807");
        yield return Described("65-dimensions", $$""" "dtype":"F32","shape":[{{string.Join(',', Enumerable.Repeat(1, 65))}}],"data_offsets":[0,4] """, "shape has more than 64 numbers, the most that are read");
        yield return Described("product-of-the-shape-overflows", """ "dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,16] """, "shape [4294967296, 4294967296, 4294967296] overflows: it asks for more than 9223372036854775807 bytes");
        yield return Described("shape-asks-for-more-than-its-bytes", """ "dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,16] """, "data_offsets [0, 16] span 16 bytes, expected 4611686018427387904 for F32 of shape [1152921504606846976]");
        yield return Described("zero-dimension-with-bytes", """ "dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,16] """, "data_offsets [0, 16] span 16 bytes, expected 0 for F32 of shape [0, 9223372036854775807]");
        yield return Described("one-offset", """ "dtype":"F32","shape":[2,2],"data_offsets":[16] """, "data_offsets has 1 numbers, expected 2");
    }

    private static IEnumerable<HostileCase> Layouts()
    {
        yield return Described("offsets-are-exchanged", """ "dtype":"F32","shape":[2,2],"data_offsets":[16,0] """, "data_offsets [16, 0] end before they begin");
        yield return Described("offset-is-negative", """ "dtype":"F32","shape":[2,2],"data_offsets":[-16,0] """, "data_offsets[0] is -16, expected a whole number from 0 to 9223372036854775807");
        yield return Described("offset-overflows", """ "dtype":"F32","shape":[2,2],"data_offsets":[9223372036854775808,9223372036854775824] """, "data_offsets[0] is 9223372036854775808, expected a whole number from 0 to 9223372036854775807");
        yield return Described("offset-reaches-past-the-end", """ "dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104] """, "data_offsets [0, 4398046511104] reach past the file's 16 bytes of data");
        yield return Described("offset-is-misaligned", """ "dtype":"F32","shape":[3],"data_offsets":[3,15] """, "begins at byte 3 of the data, expected 0: a hole of 3 bytes that belong to no tensor");
        yield return Header("tensors-overlap", """{"v":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"w":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}""", $"tensor \"w\" begins at byte 8 of the data, inside another tensor that ends at 12; {Again}");
        yield return Header("tensors-are-the-same-bytes", $$"""{"v":{{Tensor}},"w":{{Tensor}}}""", $"tensor \"w\" begins at byte 0 of the data, inside another tensor that ends at 16; {Again}");
        yield return Header("tensors-leave-a-hole", """{"v":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}""", $"tensor \"w\" begins at byte 8 of the data, expected 4: a hole of 4 bytes that belong to no tensor; {Again}");
        yield return Header("tensors-cover-too-little", """{"w":{"dtype":"U8","shape":[15],"data_offsets":[0,15]}}""", $"the tensors cover 15 bytes of data, the file has 16; {Again}");
        yield return Header("no-tensor-for-the-data", "{}", $"the tensors cover 0 bytes of data, the file has 16; {Again}");
    }

    private static HostileCase Case(string name, byte[] content, string message) =>
        new(name, HostileEntry.Safetensors, new Dictionary<string, byte[]> { [$"{name}.safetensors"] = content }, $"{{path}}: {message}");

    private static HostileCase Header(string name, string header, string message) => Case(name, File(header), message);

    private static HostileCase Described(string name, string fields, string message) =>
        Header(name, "{\"w\":{" + fields.Trim() + "}}", $"tensor \"w\" {message}; {Again}");

    private static byte[] WithLength(ulong length) => [.. BitConverter.GetBytes(length), .. Valid().AsSpan(8)];

    private static byte[] File(string header) => File(Encoding.UTF8.GetBytes(header));

    private static byte[] File(byte[] header) => [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. Content];

    private static string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth)) + "1" + new string('}', depth);
}
