namespace Pique.Training;

/// <summary>Shape of the activations of a run at one place between two blocks.</summary>
/// <param name="Rows">Rows of the training data.</param>
/// <param name="ContextTokens">Tokens in a row.</param>
/// <param name="HiddenSize">Width of the residual stream.</param>
internal sealed record ActivationShape(int Rows, int ContextTokens, int HiddenSize)
{
    /// <summary>Files that are there at once: the student's stream ahead of the block, the teacher's behind it, and the next one of either while it is written.</summary>
    public const int FilesAtOnce = 3;

    /// <summary>Values of a row.</summary>
    public long RowValues => (long)ContextTokens * HiddenSize;

    /// <summary>Bytes of a file's values.</summary>
    public long FileBytes => Rows * RowBytes;

    /// <summary>Bytes of a row's values.</summary>
    public long RowBytes => RowValues * sizeof(float);
}
