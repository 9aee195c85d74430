namespace Pique.Numerics.Kernels;

/// <summary>Sixteen partial sums for the scalar references: value i of a run belongs to lane i mod 16, as in <see cref="ILanes{TSelf}"/>.</summary>
internal unsafe struct ScalarLanes
{
    private fixed float _lanes[LaneLoop.Lanes];

    /// <summary>Adds a value to its lane.</summary>
    public void Add(int index, float value) => _lanes[index % LaneLoop.Lanes] += value;

    /// <summary>Sum over the lanes, by the tree of <see cref="ILanes{TSelf}.Sum"/>.</summary>
    public readonly float Sum()
    {
        float* sums = stackalloc float[LaneLoop.Lanes];
        for (int lane = 0; lane < LaneLoop.Lanes; lane++)
            sums[lane] = _lanes[lane];
        for (int width = LaneLoop.Lanes / 2; width > 0; width /= 2)
        {
            for (int lane = 0; lane < width; lane++)
                sums[lane] += sums[lane + width];
        }

        return sums[0];
    }
}
