using Pique.Formats;
using Pique.Models;

namespace Pique.Training;

/// <summary>The promise that nothing writes to a frozen teacher.</summary>
internal static class FrozenTeacher
{
    /// <summary>Compares a teacher with what it was.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="before">Its digest before training.</param>
    /// <exception cref="RunFailedException">It changed.</exception>
    public static void RequireUnchanged(CausalLanguageModel teacher, string? before)
    {
        if (ModelDigest.Compute(teacher) is { } after && after != before)
        {
            throw new RunFailedException($"The frozen teacher changed during training: SHA-256 {after}, before {before}. This is a fault in Pique or in the caller: nothing may write to the teacher's parameters.");
        }
    }
}
