using CsCheck;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public class HadamardTransformTests
{
    private const int LargestOrder = 4096 * 20;

    private static readonly int[] Cores = [12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124, 140, 148, 156, 172];

    /// <summary>Lines with and without neighbours, every leftover of eights, several factors, lines longer than a cache.</summary>
    private static readonly Gen<(int Order, int Outer, int Inner)> Shapes = Gen.OneOf(
        Gen.Select(Gen.Int[0, 14].Select(power => 1 << power), Gen.Int[1, 3], Gen.Const(1)),
        Gen.Select(Gen.OneOf(1, 2, 4, 12, 20, 24, 40, 80, 144, 172, 288, 576, 896, 1728), Gen.Int[1, 40], Gen.Const(1)),
        Gen.Select(Gen.OneOf(1, 2, 4, 8, 12, 28, 64, 80, 512, 1024, 1296), Gen.Int[1, 3], Gen.Int[1, 90]));

    [Fact]
    public void Every_form_gives_the_bits_of_the_scalar_reference() => Gen.Select(Shapes, Gen.Bool, Gen.Bool, Gen.Bool, Gen.Bool, Gen.Long).Sample(
        (shape, isDouble, transposed, scaleBefore, scaleAfter, seed) =>
        {
            using DisposeScope scope = NewDisposeScope();
            HadamardTransform transform = HadamardTransform.Create(shape.Order);
            Tensor original = Drawn(seed, isDouble, shape.Outer, shape.Order, shape.Inner);
            double[]? before = scaleBefore ? Factors(shape.Order, seed + 1) : null, after = scaleAfter ? Factors(shape.Order, seed + 2) : null;

            Tensor[] results = [.. Enum.GetValues<KernelForm>().Select(form =>
            {
                Tensor values = original.clone();
                transform.Apply(values, 1, transposed, before, after, form);
                return values;
            })];

            foreach (Tensor result in results.AsSpan(1))
                Assert.True(results[0].bytes.SequenceEqual(result.bytes));
        },
        iter: 150);

    [Theory]
    [InlineData(1), InlineData(2), InlineData(4), InlineData(8), InlineData(32), InlineData(256)]
    [InlineData(12), InlineData(28), InlineData(52), InlineData(80), InlineData(92), InlineData(144), InlineData(288), InlineData(576)]
    public void It_is_the_product_with_the_matrix(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor matrix = tensor(HadamardMatrix.Create(order)).to(ScalarType.Float64);
        Tensor rows = Integers(order, 5, order), columns = rows.t().contiguous();
        Tensor forward = rows.clone(), backward = rows.clone(), across = columns.clone();
        HadamardTransform transform = HadamardTransform.Create(order);

        transform.Apply(forward);
        transform.Apply(backward, transposed: true);
        transform.Apply(across, 0);

        Assert.True(forward.Equals(rows.matmul(matrix.t())));
        Assert.True(backward.Equals(rows.matmul(matrix)));
        Assert.True(across.Equals(matrix.matmul(columns)));
    }

    // Sums of 81920 integers below 1000 are exact in float64, so H·Hᵀ·x = n·x exactly.
    [Fact]
    public void H_times_its_transpose_is_n_times_identity_for_every_order_to_81920()
    {
        using DisposeScope scope = NewDisposeScope();
        SortedSet<int> orders = [1];
        foreach (int left in (int[])[1, .. Cores])
        {
            foreach (int right in (int[])[1, .. Cores])
            {
                for (int order = left * right; order <= LargestOrder; order *= 2)
                    orders.Add(order);
            }
        }

        foreach (int order in orders)
        {
            HadamardTransform transform = HadamardTransform.Create(order);
            using Tensor values = Integers(order, 1, order), expected = values.mul(order);
            transform.Apply(values, transposed: true);
            transform.Apply(values);
            Assert.True(values.Equals(expected), $"order {order} = {string.Join(" · ", transform.Factors)}");
        }

        Assert.Contains(LargestOrder, orders);
        Assert.True(orders.Count > 700, $"{orders.Count}");
    }

    [Fact]
    public void A_long_line_has_sylvesters_signs()
    {
        const int Order = 1 << 16, Place = 0b1011_0110_0101_1101;
        using DisposeScope scope = NewDisposeScope();
        Tensor values = zeros(Order);
        values[Place] = 1;

        HadamardTransform.Create(Order).Apply(values);

        float[] expected = [.. Enumerable.Range(0, Order).Select(row => int.PopCount(row & Place) % 2 == 0 ? 1f : -1f)];
        Assert.Equal(expected, values.data<float>().ToArray());
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(16384)]
    public void At_powers_of_two_twice_is_n_times_identity(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor original = Uniform(order, 3, order), values = original.clone();
        HadamardTransform transform = HadamardTransform.Create(order);

        transform.Apply(values);
        transform.Apply(values);

        Assert.True(values.div(order).sub(original).abs().max().ToDouble() <= 1e-6);
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor original = Drawn(3, false, 40, 1280, 3);
        Tensor one = original.clone(), two = original.clone();
        int threads = KernelThreads.Count;
        try
        {
            KernelThreads.Limit(1);
            HadamardTransform.Create(1280).Apply(one, 1);
            KernelThreads.Limit(2);
            HadamardTransform.Create(1280).Apply(two, 1);
        }
        finally
        {
            KernelThreads.Limit(threads);
        }

        Assert.True(one.bytes.SequenceEqual(two.bytes));
    }

    [Fact]
    public void A_view_that_is_not_contiguous_is_transformed_where_it_lies()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor whole = Integers(5, 24, 7), expected = whole.clone();
        Tensor matrix = tensor(HadamardMatrix.Create(24)).to(ScalarType.Float64);
        expected[TensorIndex.Colon, TensorIndex.Slice(2, 5)] = matrix.matmul(whole[TensorIndex.Colon, TensorIndex.Slice(2, 5)]);

        HadamardTransform.Create(24).Apply(whole[TensorIndex.Colon, TensorIndex.Slice(2, 5)].t());

        Assert.True(whole.Equals(expected));
    }

    [Fact]
    public void A_parameter_can_be_transformed_and_keeps_its_gradient_setting()
    {
        using TorchSharp.Modules.Parameter parameter = new(ones(4));

        HadamardTransform.Create(4).Apply(parameter);

        Assert.Equal([4f, 0, 0, 0], parameter.data<float>().ToArray());
        Assert.True(parameter.requires_grad);
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(0, 3)]
    public void Nothing_is_transformed_into_nothing(int outer, int inner)
    {
        using Tensor values = zeros(outer, 8, inner);

        HadamardTransform.Create(8).Apply(values, 1);

        Assert.Equal([outer, 8, inner], values.shape);
    }

    [Theory]
    [InlineData(64, false, 1)]
    [InlineData(64, true, 5)]
    [InlineData(144, false, 1)]
    [InlineData(80, true, 3)]
    public void Plain_operations_agree(int order, bool transposed, int inner)
    {
        using DisposeScope scope = NewDisposeScope();
        HadamardFactors factors = HadamardFactors.Of(order);
        double[] before = Factors(order, 1), after = Factors(order, 2);
        Tensor kernel = Drawn(4, true, 3, order, inner), plain = kernel.clone();

        HadamardTransform.Create(order).Apply(kernel, 1, transposed, before, after);
        PlainHadamard.Apply(plain, (3, inner), factors.PowerOfTwo, [.. factors.Cores.Select(HadamardMatrix.Create)], transposed, before, after);

        Assert.True(kernel.sub(plain).abs().max().ToDouble() <= 1e-12 * kernel.abs().max().ToDouble());
    }

    [Fact]
    public void Another_length_is_refused()
    {
        using Tensor values = zeros(4, 12);

        Assert.Equal(
            "Found shape [4, 12], expected dimension 0 of length 12. (Parameter 'values')",
            Assert.Throws<ArgumentException>(() => HadamardTransform.Create(12).Apply(values, 0)).Message);
        Assert.Equal(
            "Found shape [4, 12], expected dimension 2 of length 12. (Parameter 'values')",
            Assert.Throws<ArgumentException>(() => HadamardTransform.Create(12).Apply(values, 2)).Message);
    }

    [Fact]
    public void Another_dtype_is_refused()
    {
        using Tensor values = zeros(12, dtype: ScalarType.BFloat16);

        Assert.Equal(
            "Found BFloat16, expected Float32 or Float64. (Parameter 'values')",
            Assert.Throws<ArgumentException>(() => HadamardTransform.Create(12).Apply(values)).Message);
    }

    private static Tensor Drawn(long seed, bool isDouble, params long[] shape)
    {
        using Generator generator = new(unchecked((ulong)seed), CPU);
        return randn(shape, dtype: isDouble ? ScalarType.Float64 : ScalarType.Float32, generator: generator);
    }

    private static Tensor Uniform(long seed, params long[] shape)
    {
        using Generator generator = new(unchecked((ulong)seed), CPU);
        return rand(shape, generator: generator).mul(2).sub(1);
    }

    private static Tensor Integers(long seed, params long[] shape)
    {
        using Generator generator = new(unchecked((ulong)seed), CPU);
        return randint(-999, 1000, shape, dtype: ScalarType.Float64, generator: generator);
    }

    private static double[] Factors(int count, long seed)
    {
        using Tensor factors = Drawn(seed, true, count);
        return [.. factors.data<double>()];
    }
}
