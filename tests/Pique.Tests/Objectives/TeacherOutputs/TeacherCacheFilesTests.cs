using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Pique.Data;
using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Objectives;
using Pique.Tests.Training;

namespace Pique.Tests.Objectives;

/// <summary>The folder of teacher outputs: when it is made, reused and refused.</summary>
public sealed class TeacherCacheFilesTests : IDisposable
{
    private const int TopK = 5;
    private const string FileName = "teacher-00000.safetensors";

    private readonly Tests.TemporaryFolder _temporary = new();
    private readonly PackedDataset _dataset = CountingData.Dataset();
    private readonly LlamaModel _teacher = TinyRun.Model(2);

    private string Folder => _temporary.File("outputs");

    public void Dispose()
    {
        _teacher.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public void Outputs_are_computed_once_and_reused()
    {
        List<(int, int)> first = [], second = [];
        using (TeacherCache cache = Open(first))
        {
            Assert.Equal(new TeacherCacheKey(ModelDigest.Compute(_teacher), _dataset.LayoutDigest, TinyRun.Vocabulary, 16, TopK), cache.Key);
            Assert.Equal(_dataset.RowCount, cache.Rows);
        }

        Dictionary<string, byte[]> written = Directory.EnumerateFiles(Folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes);
        Assert.Equal(["index.json", FileName], written.Keys.Order());
        Assert.Equal((_dataset.RowCount, _dataset.RowCount), first[^1]);
        using (Open(second))
            Assert.Empty(second);
        Directory.Delete(Folder, recursive: true);
        using (Open([]))
            Assert.All(written, file => Assert.Equal(file.Value, File.ReadAllBytes(Path.Combine(Folder, file.Key))));
    }

    [Fact]
    public void A_file_holds_k_tokens_and_the_rest_of_each_position_that_some_loss_reads()
    {
        Open([]).Dispose();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(Folder, FileName));
        long positions = file["columns"].Shape[0];
        Assert.InRange(positions, _dataset.Statistics.TrainedTokens, _dataset.Statistics.Tokens);
        Assert.Equal([positions, TopK], file["token_ids"].Shape);
        Assert.Equal([positions, TopK + 1], file["log_probabilities"].Shape);
        float[] values = file.ReadFloat32("log_probabilities");
        Assert.All(values.Chunk(TopK + 1), row => Assert.Equal(1, row.Sum(value => Math.Exp(value)), 1e-5));
        Assert.All(values.Chunk(TopK + 1), row => Assert.Equal(row[..TopK].OrderDescending(), row[..TopK]));
        Assert.Equal([16L, 16L], [file["end_columns"].Shape[0], file["hidden_states"].Shape[1]]);
    }

    [Fact]
    public void Outputs_of_another_teacher_other_data_or_another_k_are_refused()
    {
        using TeacherCache cache = Open([]);
        PackedDataset other = CountingData.Dataset(seed: 4);
        using LlamaModel stranger = TinyRun.Model(9);
        InputException error = Assert.Throws<InputException>(() => TeacherCacheBuilder.OpenOrBuild(Folder, stranger, other, 7, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(
            $"{Folder}: the teacher outputs kept here are not those of this run: teacher digest {cache.Key.TeacherDigest}, this run has {ModelDigest.Compute(stranger)}; "
            + $"data digest {cache.Key.DataDigest}, this run has {other.LayoutDigest}; top_k 5, this run has 7. "
            + "Name another folder as training.teacher_cache.folder, or delete this one to have them made anew.",
            error.Message);
    }

    [Fact]
    public void More_tokens_than_there_are_cannot_be_kept() => Assert.Equal(
        "training.teacher_cache.top_k: found 24, the teacher knows 23 tokens; set it to 23 or less.",
        Assert.Throws<InputException>(() => TeacherCacheBuilder.OpenOrBuild(Folder, _teacher, _dataset, 24, cancellationToken: TestContext.Current.CancellationToken)).Message);

    [Fact]
    public void A_flipped_bit_is_found()
    {
        Open([]).Dispose();
        string path = Path.Combine(Folder, FileName);
        byte[] content = File.ReadAllBytes(path);
        string expected = Convert.ToHexStringLower(SHA256.HashData(content));
        content[^3] ^= 1;
        File.WriteAllBytes(path, content);
        Assert.Equal(
            $"{path}: found {content.Length} bytes with SHA-256 {Convert.ToHexStringLower(SHA256.HashData(content))}, expected {content.Length} with {expected}; delete the folder to have the teacher outputs made anew",
            Fault());
    }

    [Fact]
    public void A_file_that_is_missing_or_outside_is_found()
    {
        Open([]).Dispose();
        string path = Path.Combine(Folder, FileName);
        File.Move(path, _temporary.File(FileName));
        Assert.Equal($"{path}: no such file, though index.json names it; delete the folder to have the teacher outputs made anew", Fault());
        ChangeIndex(FileName, "../" + FileName);
        Assert.Equal($"{Folder}/index.json: names the file \"../{FileName}\" outside its folder; delete the folder to have the teacher outputs made anew", Fault());
    }

    [Theory]
    [InlineData("flipped bit")]
    [InlineData("missing file")]
    [InlineData("index cut short")]
    [InlineData("index that cannot be")]
    public void Damaged_outputs_are_told_and_made_anew(string damage)
    {
        Open([]).Dispose();
        string path = Path.Combine(Folder, FileName), index = Path.Combine(Folder, "index.json");
        byte[] whole = File.ReadAllBytes(path), wholeIndex = File.ReadAllBytes(index);
        switch (damage)
        {
            case "flipped bit":
                File.WriteAllBytes(path, [.. whole[..^3], (byte)(whole[^3] ^ 1), .. whole[^2..]]);
                break;
            case "missing file":
                File.Delete(path);
                break;
            case "index cut short":
                File.WriteAllBytes(index, wholeIndex[..100]);
                break;
            default:
                ChangeIndex("\"top_k\": 5", "\"top_k\": 0");
                break;
        }

        List<string> faults = [];
        TeacherCacheBuilder.OpenOrBuild(Folder, _teacher, _dataset, TopK, damaged: faults.Add, cancellationToken: TestContext.Current.CancellationToken).Dispose();

        string fault = Assert.Single(faults);
        Assert.StartsWith(Folder, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("delete the folder", fault, StringComparison.Ordinal);
        Assert.Equal(whole, File.ReadAllBytes(path));
        Assert.Equal(wholeIndex, File.ReadAllBytes(index));
    }

    [Fact]
    public void Two_runs_do_not_write_the_same_folder_at_once()
    {
        InputException? refusal = null;
        using TeacherCache first = TeacherCacheBuilder.OpenOrBuild(
            Folder, _teacher, _dataset, TopK, (_, _) => refusal ??= Assert.Throws<InputException>(() => Open([])), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal($"{Folder}: another run is writing the teacher outputs here. Wait until they are whole, or name another folder as training.teacher_cache.folder.", refusal!.Message);
        Open([]).Dispose();
    }

    [Theory]
    [InlineData("format_version", 2, "found format version 2, expected 1; delete the folder to have the teacher outputs made anew")]
    [InlineData("rows_per_file", 1, "found top 5 of 23 tokens and 1 files for {0} rows, 1 a file, which cannot be; delete the folder to have the teacher outputs made anew")]
    [InlineData("top_k", 24, "found top 24 of 23 tokens and 1 files for {0} rows, {0} a file, which cannot be; delete the folder to have the teacher outputs made anew")]
    [InlineData("top_k", 0, "top_k: found 0, expected a whole number of at least 1; delete the folder to have the teacher outputs made anew.")]
    public void An_index_that_cannot_be_is_refused(string field, int value, string fault)
    {
        Open([]).Dispose();
        string path = Path.Combine(Folder, "index.json");
        JsonNode index = JsonNode.Parse(File.ReadAllText(path))!;
        index[field] = value;
        File.WriteAllText(path, index.ToJsonString());
        Assert.Equal(string.Format(CultureInfo.InvariantCulture, $"{path}: {fault}", _dataset.RowCount), Fault());
    }

    [Fact]
    public void A_tensor_of_another_shape_is_refused_even_with_a_right_checksum()
    {
        Open([]).Dispose();
        string path = Path.Combine(Folder, FileName);
        TeacherCacheFile before = TeacherCacheFile.Of(path);
        SafetensorsEntry[] entries;
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            entries = [.. file.Tensors.Select(tensor => SafetensorsEntry.FromBytes(
                tensor.Name, tensor.Dtype, tensor.Name == "hidden_states" ? [tensor.Shape[1], tensor.Shape[0] * 2, 1] : tensor.Shape, Bytes(file, tensor)))];
        }

        SafetensorsWriter.Write(path, entries);
        TeacherCacheFile after = TeacherCacheFile.Of(path);
        ChangeIndex(before.Sha256, after.Sha256);
        ChangeIndex($"\"bytes\": {before.Bytes}", $"\"bytes\": {after.Bytes}");
        Assert.Equal(
            $"{path}: tensor \"hidden_states\" is F32 [16, 32, 1], expected F32 [16, 16]; delete the folder to have the teacher outputs made anew.",
            Fault());

        static byte[] Bytes(SafetensorsFile file, SafetensorsTensor tensor)
        {
            byte[] content = file.ReadBytes(tensor.Name);
            return tensor.Name == "hidden_states" ? [.. content, .. content] : content;
        }
    }

    [Fact]
    public void A_folder_with_other_files_is_left_alone()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "thesis.txt"), "");
        Assert.Equal($"{Folder}: holds thesis.txt, which replacing the folder would delete; choose an empty or new folder", Assert.Throws<InputException>(() => Open([])).Message);
    }

    [Fact]
    public void Work_that_is_cancelled_leaves_nothing_but_the_lock_behind()
    {
        using CancellationTokenSource cancellation = new();
        Assert.Throws<OperationCanceledException>(() => TeacherCacheBuilder.OpenOrBuild(
            Folder, _teacher, CountingData.Dataset(records: 100), TopK, (_, _) => cancellation.Cancel(), cancellationToken: cancellation.Token));
        Assert.Equal([".outputs.lock"], Directory.EnumerateFileSystemEntries(_temporary.Path).Select(Path.GetFileName));
    }

    private TeacherCache Open(List<(int, int)> progress) =>
        TeacherCacheBuilder.OpenOrBuild(Folder, _teacher, _dataset, TopK, (rows, totalRows) => progress.Add((rows, totalRows)));

    /// <summary>What is said of the folder where outputs are only opened.</summary>
    private string Fault()
    {
        TeacherCacheKey key = new(ModelDigest.Compute(_teacher), _dataset.LayoutDigest, TinyRun.Vocabulary, 16, TopK);
        return Assert.ThrowsAny<InputException>(() => TeacherCache.Open(Folder, key)).Message;
    }

    private void ChangeIndex(string found, string replacement)
    {
        string path = Path.Combine(Folder, "index.json"), text = File.ReadAllText(path);
        Assert.Contains(found, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(found, replacement, StringComparison.Ordinal));
    }
}
