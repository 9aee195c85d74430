using Pique.Calibration;
using Pique.Numerics;
using Pique.Tests.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration.Observers;

public sealed class ObserverTests
{
    public static TheoryData<string> All => ["min-max", "percentile", "mse", "mse, symmetric", "entropy"];

    [Theory]
    [MemberData(nameof(All))]
    public void The_order_and_the_portions_of_the_values_do_not_show(string name)
    {
        float[] values = Normal(5000, seed: 1);
        IRangeObserver whole = Create(name), pieces = Create(name);
        whole.Observe(values);
        float[] turned = [.. values.Reverse()];
        foreach (float[] portion in turned.Chunk(7))
            pieces.Observe(portion);
        Assert.Equal(whole.Range(), pieces.Range());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Values_that_are_not_finite_are_passed_over(string name)
    {
        IRangeObserver clean = Create(name), dirty = Create(name);
        clean.Observe([-1f, 2f, 3f]);
        dirty.Observe([-1f, float.NaN, 2f, float.PositiveInfinity, 3f, float.NegativeInfinity]);
        Assert.Equal(clean.Range(), dirty.Range());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Nothing_and_nothing_but_zeros_have_no_range(string name)
    {
        IRangeObserver observer = Create(name);
        Assert.Equal(default, observer.Range());
        observer.Observe([]);
        observer.Observe([0f, -0f]);
        Assert.Equal((0f, 0f), (observer.Range().Lowest, observer.Range().Highest));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_range_scales_with_the_values(string name)
    {
        float[] values = Normal(3000, seed: 2);
        IRangeObserver small = Create(name), large = Create(name);
        small.Observe(values);
        large.Observe([.. values.Select(value => value * 1024)]);
        Assert.Equal(new ObservedRange(small.Range().Lowest * 1024, small.Range().Highest * 1024), large.Range());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_largest_floats_and_the_smallest_are_taken(string name)
    {
        IRangeObserver observer = Create(name);
        observer.Observe([float.Epsilon, float.MaxValue, -float.MaxValue, 1f]);
        ObservedRange range = observer.Range();
        Assert.True(float.IsFinite(range.Lowest) && float.IsFinite(range.Highest) && range.Lowest <= 0 && range.Highest >= 0);
    }

    [Fact]
    public void Min_and_max_are_exact()
    {
        MinMaxObserver observer = new();
        observer.Observe([3f, -0.1f]);
        observer.Observe([0.2f]);
        Assert.Equal(new ObservedRange(-0.1f, 3f), observer.Range());
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    [InlineData(1.0)]
    public void A_percentile_is_within_its_stated_error_of_the_sorted_values(double share)
    {
        float[] values = [.. Normal(20_001, seed: 3).Select((value, index) => index % 5 == 0 ? value * 100 : value)];
        PercentileObserver observer = new(share);
        observer.Observe(values);

        float[] sorted = [.. values.Order()];
        int outside = (int)Math.Floor((1 - share) / 2 * sorted.Length);
        AssertNear(sorted[outside], observer.Range().Lowest);
        AssertNear(sorted[^(outside + 1)], observer.Range().Highest);
        AssertNear(sorted[(int)Math.Ceiling(share * sorted.Length) - 1], observer.Quantile(share));

        static void AssertNear(float expected, float found) =>
            Assert.InRange(Math.Abs(found - expected), 0, PercentileObserver.RelativeError * Math.Abs(expected));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-0.5)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public void A_share_outside_its_range_is_refused(double share) => Assert.Throws<ArgumentOutOfRangeException>(() => new PercentileObserver(share));

    /// <summary>The best symmetric step of N(0, 1) is known; see <see cref="GaussianExpectation"/> and docs/math.md §1.</summary>
    [Theory]
    [InlineData(3, 0.6019)]
    [InlineData(4, 0.3384)]
    [InlineData(5, 0.1887)]
    public void The_range_of_least_squared_error_is_that_of_the_best_step(int bits, double step)
    {
        MseObserver observer = new(new CodeGrid(bits, GridKind.TwosComplement));
        observer.Observe(Normal(400_000, seed: 4));
        double found = observer.Range().Highest / ((1 << (bits - 1)) - 1);
        Assert.InRange(found / step, 0.95, 1.05);
    }

    [Fact]
    public void Least_squared_error_keeps_a_range_without_outliers_whole_and_clips_one_with_them()
    {
        MseObserver uniform = new(new CodeGrid(4, GridKind.Affine)), outlier = new(new CodeGrid(4, GridKind.Affine));
        float[] values = [.. Enumerable.Range(0, 10_000).Select(index => index / 10_000f)];
        uniform.Observe(values);
        outlier.Observe([.. values, 20f]);
        Assert.Equal(0, uniform.Range().Lowest);
        Assert.InRange(uniform.Range().Highest, 0.95f, 1f);
        Assert.InRange(outlier.Range().Highest, 0.8f, 5f);
    }

    [Fact]
    public void Entropy_clips_a_long_tail_and_keeps_a_short_one()
    {
        EntropyObserver normal = new(4), tailed = new(4);
        float[] values = Normal(200_000, seed: 5);
        normal.Observe(values);
        tailed.Observe([.. values, .. Enumerable.Repeat(100f, 20)]);
        float largest = values.Max(MathF.Abs);
        Assert.InRange(normal.Range().Highest, 0.4f * largest, largest);
        Assert.InRange(tailed.Range().Highest, 1f, 2 * largest);
        Assert.InRange(tailed.Range().Lowest, -2 * largest, -1f);
    }

    [Fact]
    public void More_bits_widen_the_range_of_entropy()
    {
        float[] values = Normal(200_000, seed: 6);
        float[] ends = [.. new[] { 2, 4, 8 }.Select(bits =>
        {
            EntropyObserver observer = new(bits);
            observer.Observe(values);
            return observer.Range().Highest;
        })];
        Assert.True(ends[0] < ends[1] && ends[1] <= ends[2], string.Join(" ", ends));
    }

    private static IRangeObserver Create(string name) => name switch
    {
        "min-max" => new MinMaxObserver(),
        "percentile" => new PercentileObserver(0.99),
        "mse" => new MseObserver(new CodeGrid(8, GridKind.Affine)),
        "mse, symmetric" => new MseObserver(new CodeGrid(4, GridKind.TwosComplement)),
        _ => new EntropyObserver(8),
    };

    private static float[] Normal(int count, ulong seed)
    {
        using DisposeScope scope = NewDisposeScope();
        return randn([count], generator: new Generator(seed)).data<float>().ToArray();
    }
}
