using Pique.Numerics;

namespace Pique.Objectives;

/// <summary>The teacher's distributions at the selected positions of a batch, read chunk by chunk so that they are never all in memory.</summary>
internal abstract class TeacherRows : IDisposable
{
    /// <summary>Reads some of the positions, in any order.</summary>
    /// <param name="first">First position.</param>
    /// <param name="count">Number of positions; the first call's is the largest.</param>
    /// <returns>Buffers of this object, valid until the next call.</returns>
    public abstract TeacherLogits Read(int first, int count);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the buffers.</summary>
    protected abstract void Dispose(bool disposing);
}
