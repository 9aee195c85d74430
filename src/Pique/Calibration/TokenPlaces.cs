using Pique.Data;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Leaves the padding of a batch out of statistics.</summary>
internal static class TokenPlaces
{
    /// <summary>Places of a batch's tokens among its rows laid end to end, int64; the caller owns it.</summary>
    /// <param name="batch">The batch.</param>
    public static Tensor Of(TokenBatch batch)
    {
        long width = batch.Inputs.shape[1];
        List<long> places = new(batch.TokenCount);
        foreach (RecordPlace record in batch.Records)
        {
            for (int token = 0; token < record.Length; token++)
                places.Add((record.Row * width) + record.Start + token);
        }

        return tensor(places.ToArray());
    }

    /// <summary>The rows of an activation that belong to tokens.</summary>
    /// <param name="activations">Shape [rows, tokens, features].</param>
    /// <param name="places">What <see cref="Of"/> gave.</param>
    /// <returns>Shape [tokens, features].</returns>
    public static Tensor Select(Tensor activations, Tensor places) => activations.reshape(-1, activations.shape[^1]).index_select(0, places);
}
