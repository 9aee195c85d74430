using System.Text;

namespace Pique.Tests.Formats.Hostile;

/// <summary>Malformed indexes and shards of Hugging Face folders, each one fault away from a valid folder of two shards.</summary>
internal static class HostileFolders
{
    private const string Index = "model.safetensors.index.json";
    private const string One = "model-00001-of-00002.safetensors";
    private const string Two = "model-00002-of-00002.safetensors";
    private const string Again = "fetch or export the model again";
    private const string Wanted = "expected the name of a .safetensors file of the same folder; " + Again;

    /// <summary>The folder that all others are made from: tensors a and b, each in a shard of its own.</summary>
    public static Dictionary<string, byte[]> Valid() => With($$$"""{"metadata":{"total_size":8},"weight_map":{"a":"{{{One}}}","b":"{{{Two}}}"}}""");

    public static IEnumerable<HostileCase> Cases() => Indexes().Concat(Shards());

    private static IEnumerable<HostileCase> Indexes()
    {
        yield return Case("index-is-empty", "", "is no valid JSON (The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true. LineNumber: 0 | BytePositionInLine: 0.); mend or fetch the file again");
        yield return Case("index-is-cut-short", $$$"""{"weight_map":{"a":"{{{One}}}","b":""", "is no valid JSON (Expected depth to be zero at the end of the JSON payload. There is an open JSON object or array that should be closed. LineNumber: 0 | BytePositionInLine: 58.); mend or fetch the file again");
        yield return Case("index-is-an-array", "[]", "holds no JSON object; mend or fetch the file again");
        yield return Case("index-is-nested-deep", $$$"""{"weight_map":{"a":{{{new string('[', 1000)}}}""", "is no valid JSON (The maximum configured depth of 64 has been exceeded. Cannot read next JSON array. LineNumber: 0 | BytePositionInLine: 81.); mend or fetch the file again");
        yield return Case("weight-map-is-missing", """{"weight_maps":{}}""", $"lacks the object \"weight_map\" that says which shard holds which tensor; {Again}");
        yield return Case("weight-map-is-empty", """{"weight_map":{}}""", $"weight_map is empty, expected a shard for every tensor; {Again}");
        yield return Case("weight-map-is-a-list", $$"""{"weight_map":["{{One}}"]}""", $"lacks the object \"weight_map\" that says which shard holds which tensor; {Again}");
        yield return Case("tensor-is-placed-twice", $$$"""{"weight_map":{"a":"{{{One}}}","\u0061":"{{{Two}}}"}}""", "is no valid JSON (Duplicate property 'a' encountered during deserialization.); mend or fetch the file again");
        yield return Case("tensor-name-has-half-a-surrogate-pair", $$$"""{"weight_map":{"\ud800":"{{{One}}}"}}""", "is no valid JSON (a text that is no valid Unicode at byte 15); mend or fetch the file again");
        yield return Case("shard-name-has-half-a-surrogate-pair", """{"weight_map":{"a":"\ud800.safetensors"}}""", "is no valid JSON (a text that is no valid Unicode at byte 19); mend or fetch the file again");
    }

    private static IEnumerable<HostileCase> Shards()
    {
        yield return Placed("shard-is-above-the-folder", """ "../model.safetensors" """, $"in \"../model.safetensors\", {Wanted}");
        yield return Placed("shard-has-an-absolute-path", """ "/etc/model.safetensors" """, $"in \"/etc/model.safetensors\", {Wanted}");
        yield return Placed("shard-has-a-backslash", """ "..\\model.safetensors" """, $"in \"..\\\\model.safetensors\", {Wanted}");
        yield return Placed("shard-has-a-null-character", """ "a\u0000.safetensors" """, $"in \"a\\u0000.safetensors\", {Wanted}");
        yield return Placed("shard-is-the-index", $""" "{Index}" """, $"in \"{Index}\", {Wanted}");
        yield return Placed("shard-is-a-pickle", """ "pytorch_model.bin" """, $"in \"pytorch_model.bin\", {Wanted}");
        yield return Placed("shard-is-a-list", """ [] """, $"in [], {Wanted}");
        yield return Placed("shard-is-absent", """ "model-00003-of-00002.safetensors" """, "in model-00003-of-00002.safetensors, which is not in the folder; fetch the missing shard");
        yield return Placed("shard-has-a-terminal-escape", """ "\u001b[2J.safetensors" """, "in \\u001B[2J.safetensors, which is not in the folder; fetch the missing shard");
        yield return Case("shards-in-a-ring", $$$"""{"weight_map":{"a":"{{{Two}}}","b":"{{{One}}}"}}""", $"weight_map places \"a\" in {Two}, which does not hold it; {Again}");
        yield return Case("shard-lacks-a-tensor", $$$"""{"weight_map":{"a":"{{{One}}}","b":"{{{Two}}}","c":"{{{Two}}}"}}""", $"weight_map places \"c\" in {Two}, which does not hold it; {Again}");
        yield return Case("index-leaves-a-tensor-out", $$$"""{"weight_map":{"a":"{{{One}}}"}}""", With("", two: Shard("b", 2), one: TwoTensors()), $"weight_map leaves out tensors that the shards hold: b; {Again}");
        yield return new HostileCase("shards-hold-the-same-tensor", HostileEntry.Weights, With(Json(Valid()), two: Shard("a", 2)), $"{{path}}/{Two}: tensor \"a\" is also in {{path}}/{One}, expected in one shard only; {Again}");
        yield return new HostileCase("shard-is-cut-short", HostileEntry.Weights, With(Json(Valid()), two: Shard("b", 2)[..^2]), $"{{path}}/{Two}: tensor \"b\" data_offsets [0, 4] reach past the file's 2 bytes of data; fetch or export the file again");
        yield return new HostileCase("shard-is-empty", HostileEntry.Weights, With(Json(Valid()), two: []), $"{{path}}/{Two}: has 0 bytes, a safetensors file has at least 8; fetch it again");
        yield return new HostileCase("no-weights", HostileEntry.Weights, new Dictionary<string, byte[]> { ["readme.txt"] = [.. "nothing"u8] }, $"{{path}}: has neither model.safetensors nor {Index}; export the model as safetensors");
    }

    private static HostileCase Case(string name, string index, string message) => Case(name, index, With(index), message);

    private static HostileCase Case(string name, string index, Dictionary<string, byte[]> files, string message)
    {
        files[Index] = Encoding.UTF8.GetBytes(index);
        return new HostileCase(name, HostileEntry.Weights, files, $"{{path}}/{Index}: {message}");
    }

    private static HostileCase Placed(string name, string shard, string message) =>
        Case(name, $$$"""{"weight_map":{"a":{{{shard.Trim()}}},"b":"{{{Two}}}"}}""", $"weight_map places \"a\" {message}");

    private static string Json(Dictionary<string, byte[]> files) => Encoding.UTF8.GetString(files[Index]);

    private static Dictionary<string, byte[]> With(string index, byte[]? two = null, byte[]? one = null) => new()
    {
        [Index] = Encoding.UTF8.GetBytes(index),
        [One] = one ?? Shard("a", 1),
        [Two] = two ?? Shard("b", 2),
    };

    private static byte[] Shard(string name, float value) => File($$$"""{"{{{name}}}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", value);

    private static byte[] TwoTensors() =>
        File("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 1, 2);

    private static byte[] File(string header, params float[] values) =>
        [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.UTF8.GetBytes(header), .. values.SelectMany(BitConverter.GetBytes)];
}
