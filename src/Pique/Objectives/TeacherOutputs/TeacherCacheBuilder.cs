using Pique.Data;
using Pique.Formats;
using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Computes a teacher's outputs for a data set and keeps them on disk.</summary>
public static class TeacherCacheBuilder
{
    // What is gathered before a file is written; a row that is larger makes a larger file.
    private const long FileBytes = 64L << 20;
    private const string FilePrefix = "teacher-";

    /// <summary>Opens the outputs kept in a folder, or computes and keeps them where there are none or they are damaged.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="dataset">The data set.</param>
    /// <param name="topK">Likeliest tokens to keep at each position; the whole vocabulary for an exact copy.</param>
    /// <param name="progress">Told rows done and rows in all, after each forward pass; null for nobody.</param>
    /// <param name="damaged">Told where and what is damaged before outputs are computed anew; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work; nothing is left behind but an empty lock file beside the folder.</param>
    /// <exception cref="InputException">The folder holds outputs of something else, is being written by another run or cannot be written, or the vocabulary is smaller than <paramref name="topK"/>.</exception>
    public static TeacherCache OpenOrBuild(
        string folder, CausalLanguageModel teacher, PackedDataset dataset, int topK, Action<int, int>? progress = null, Action<string>? damaged = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(topK, 1);
        if (topK > teacher.VocabularySize)
            throw new InputException($"training.teacher_cache.top_k: found {topK}, the teacher knows {teacher.VocabularySize} tokens; set it to {teacher.VocabularySize} or less.");
        TeacherCacheKey key = new(ModelDigest.Compute(teacher), dataset.LayoutDigest, teacher.VocabularySize, HiddenSize(teacher, dataset), topK);
        if (TryOpen(folder, key, out _) is { } kept)
            return kept;

        using FileLock alone = Lock(folder);
        if (TryOpen(folder, key, out string? fault) is { } made)
            return made; // By another run, since.
        if (fault is not null)
            damaged?.Invoke(fault);
        AtomicFolder.Write(folder, name => IsOurs(name, fault is not null), partial => Build(partial, key, teacher, dataset, progress, cancellationToken));
        return TeacherCache.Open(folder, key);
    }

    /// <returns>The outputs; null where there are none, or what is there has a fault.</returns>
    private static TeacherCache? TryOpen(string folder, TeacherCacheKey key, out string? fault)
    {
        fault = null;
        try
        {
            return TeacherCache.Exists(folder) ? TeacherCache.Open(folder, key) : null;
        }
        catch (TeacherCacheDamagedException failure)
        {
            fault = failure.Fault;
            return null;
        }
    }

    /// <summary>The lock lies beside the folder, which is written under another name.</summary>
    private static FileLock Lock(string folder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        try
        {
            string parent = Directory.CreateDirectory(Path.GetDirectoryName(full) ?? full).FullName;
            return FileLock.Acquire(Path.Combine(parent, $".{Path.GetFileName(full)}.lock"), failure => new InputException(
                $"{folder}: another run is writing the teacher outputs here. Wait until they are whole, or name another folder as training.teacher_cache.folder.", failure));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be written ({failure.Message}); choose a folder that is writable", failure);
        }
    }

    private static bool IsOurs(string name, bool isDamaged) => name.StartsWith(FilePrefix, StringComparison.Ordinal) || (isDamaged && name == TeacherCacheIndex.FileName);

    private static void Build(string folder, TeacherCacheKey key, CausalLanguageModel teacher, PackedDataset dataset, Action<int, int>? progress, CancellationToken cancellationToken)
    {
        long rowBytes = key.BytesPerPosition * dataset.ContextTokens;
        int rowsPerPass = (int)Math.Clamp(FileBytes / rowBytes, 1, dataset.RowsPerBatch);
        int rowsPerFile = (int)Math.Clamp(FileBytes / rowBytes / rowsPerPass * rowsPerPass, rowsPerPass, dataset.RowCount);
        List<TeacherCacheFile> files = [];
        using TeacherCacheShardWriter writer = new(key);
        for (int row = 0; row < dataset.RowCount;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(Math.Min(rowsPerPass, rowsPerFile - writer.Rows), dataset.RowCount - row);
            AddRows(writer, key, teacher, dataset, row, count);
            row += count;
            if (writer.Rows == rowsPerFile || row == dataset.RowCount)
            {
                string path = Path.Combine(folder, $"{FilePrefix}{files.Count:D5}.safetensors");
                writer.Write(path);
                files.Add(TeacherCacheFile.Of(path));
            }

            progress?.Invoke(row, dataset.RowCount);
        }

        new TeacherCacheIndex(key, dataset.RowCount, rowsPerFile, files).Save(folder);
    }

    private static void AddRows(TeacherCacheShardWriter writer, TeacherCacheKey key, CausalLanguageModel teacher, PackedDataset dataset, int first, int count)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = dataset.Rows(first, count);
        ReasoningPlan plan = ReasoningPlan.Create(batch.Spans, dataset.ContextTokens, new());
        PositionSelection positions = PositionSelection.Create(batch, plan);
        Tensor states = teacher.HiddenStates(batch.Inputs);
        states = states.reshape(-1, states.shape[^1]);

        ILookup<long, int> columns = ByRow(positions.Flat), ends = ByRow(plan.StepEnds);
        for (int row = 0; row < count; row++)
            writer.AddRow(columns[row], ends[row]);
        writer.AddEnds(states.index_select(0, tensor(plan.StepEnds.ToArray(), ScalarType.Int64, device: states.device)).cpu());
        using LiveTeacherRows live = new(teacher, positions.Select(states));
        int chunkRows = LogitChunk.RowsFor(key.VocabularySize);
        for (int start = 0; start < positions.Flat.Length; start += chunkRows)
        {
            TeacherLogits.All chunk = (TeacherLogits.All)live.Read(start, Math.Min(chunkRows, positions.Flat.Length - start));
            AddPositions(writer, key, chunk.Logits);
        }

        ILookup<long, int> ByRow(IEnumerable<long> flat) => flat.ToLookup(position => position / dataset.ContextTokens, position => (int)(position % dataset.ContextTokens));
    }

    private static void AddPositions(TeacherCacheShardWriter writer, TeacherCacheKey key, Tensor logits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor all = nn.functional.log_softmax(logits, -1);
        if (key.IsExact)
        {
            writer.AddPositions([], all.cpu());
            return;
        }

        // The others' mass is summed by itself: one minus the sum of the likeliest would cancel.
        (Tensor likeliest, Tensor ids) = all.topk(key.TopK);
        Tensor others = all.scatter(1, ids, full_like(all, HeldScalar.Of(float.NegativeInfinity))).logsumexp(1, keepdim: true);
        writer.AddPositions(ids.to(ScalarType.Int32).cpu().data<int>().ToArray(), cat([likeliest, others], 1).cpu());
    }

    private static int HiddenSize(CausalLanguageModel teacher, PackedDataset dataset)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = dataset.Rows(0, 1);
        return (int)teacher.HiddenStates(batch.Inputs).shape[^1];
    }
}
