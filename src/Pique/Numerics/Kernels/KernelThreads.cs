using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pique.Numerics.Kernels;

/// <summary>A kernel's work, cut into numbered slices that may be done in any order and on any thread.</summary>
internal interface ISlicedWork
{
    /// <summary>Does slices first … end − 1.</summary>
    void Run(long first, long end);
}

/// <summary>Spreads a kernel over the threads that libtorch itself computes with.</summary>
/// <remarks>
/// libtorch's OpenMP threads wait for their next task in a busy loop for some milliseconds. Threads of our own would share the cores
/// with those loops, so the kernels join the same team: <c>GOMP_parallel</c> of the very library libtorch loaded runs the slices.
/// Where that library is not attached, the calling thread does all the work. What a slice computes does not depend on who does it.
/// </remarks>
internal static unsafe class KernelThreads
{
    /// <summary>Weights below which waking a second thread costs more than it gains.</summary>
    private const long WeightsWorthAThread = 1 << 14;

    private static delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> GompParallel;

    /// <summary>Threads a kernel may use.</summary>
    public static int Count { get; private set; } = 1;

    /// <summary>Names the team.</summary>
    /// <param name="gompParallel">Address of <c>GOMP_parallel</c>; zero for none.</param>
    /// <param name="threads">Threads a kernel may use.</param>
    public static void Attach(nint gompParallel, int threads)
    {
        GompParallel = (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)gompParallel;
        Count = gompParallel == 0 ? 1 : threads;
    }

    /// <summary>Changes the number of threads a kernel may use.</summary>
    /// <param name="threads">Threads; more than one only where a team is attached.</param>
    public static void Limit(int threads) => Count = GompParallel == null ? 1 : threads;

    /// <summary>Does all slices of a work and returns when they are done.</summary>
    /// <param name="work">The work; it holds pointers only, and does not throw.</param>
    /// <param name="sliceCount">Number of slices.</param>
    /// <param name="weightCount">Weights they hold together.</param>
    public static void Run<TWork>(ref TWork work, long sliceCount, long weightCount) where TWork : unmanaged, ISlicedWork
    {
        int shares = (int)Math.Min(Math.Min(Count, sliceCount), weightCount / WeightsWorthAThread);
        if (shares <= 1)
        {
            work.Run(0, sliceCount);
            return;
        }

        fixed (TWork* pinned = &work)
        {
            Team team = new() { Work = pinned, Run = &RunShare<TWork>, SliceCount = sliceCount, Shares = shares };
            GompParallel(&Enter, &team, (uint)shares, 0);
        }
    }

    private static void RunShare<TWork>(void* work, long first, long end) where TWork : unmanaged, ISlicedWork =>
        Unsafe.AsRef<TWork>(work).Run(first, end);

    [UnmanagedCallersOnly]
    private static void Enter(void* state)
    {
        Team* team = (Team*)state;
        for (int share; (share = Interlocked.Increment(ref team->Taken) - 1) < team->Shares;)
            team->Run(team->Work, team->SliceCount * share / team->Shares, team->SliceCount * (share + 1) / team->Shares);
    }

    private struct Team
    {
        public void* Work;
        public delegate*<void*, long, long, void> Run;
        public long SliceCount;
        public int Shares;
        public int Taken;
    }
}
