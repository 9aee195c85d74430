using System.Globalization;
using CsCheck;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class SerdeFloatTests
{
    [Fact]
    public void Text_is_that_of_the_ryu_crate()
    {
        string[] rows = GoldenFile.ReadLines("ryu-float32.tsv");
        Assert.Equal(474, rows.Length);
        Assert.All(rows, row =>
        {
            string[] columns = row.Split('\t');
            uint bits = uint.Parse(columns[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            Assert.Equal(columns[1], SerdeFloat.Format(BitConverter.UInt32BitsToSingle(bits)));
        });
    }

    [Theory]
    [InlineData(1.0f, "1.0")]
    [InlineData(1e-4f, "0.0001")]
    [InlineData(1e-10f, "1e-10")]
    [InlineData(1e20f, "1e20")]
    [InlineData(16777216.0f, "16777216.0")]
    [InlineData(1.2e12f, "1200000000000.0")]
    [InlineData(1.2e13f, "1.2e13")]
    [InlineData(float.NaN, "null")]
    [InlineData(float.NegativeInfinity, "null")]
    public void Everyday_values_read_as_documented(float value, string text) => Assert.Equal(text, SerdeFloat.Format(value));

    [Fact]
    public void Every_finite_number_reads_back_bit_for_bit() =>
        Gen.UInt.Select(BitConverter.UInt32BitsToSingle).Where(float.IsFinite).Sample(value =>
            Assert.Equal(BitConverter.SingleToUInt32Bits(value), BitConverter.SingleToUInt32Bits(float.Parse(SerdeFloat.Format(value), CultureInfo.InvariantCulture))));
}
