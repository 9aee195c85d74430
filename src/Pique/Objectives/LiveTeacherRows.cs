using Pique.Models;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The distributions of a teacher at hand: its head is applied to hidden states, chunk by chunk. No gradient reaches it.</summary>
internal sealed class LiveTeacherRows : TeacherRows
{
    private readonly CausalLanguageModel _teacher;
    private readonly Tensor _hidden;
    private readonly HeadProducts? _head;
    private Tensor? _buffer;

    /// <summary>Prepares the head. What it makes belongs to the current dispose scope.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="hidden">Its hidden states at the selected positions, shape [positions, hidden]; must outlive this object.</param>
    public LiveTeacherRows(CausalLanguageModel teacher, Tensor hidden)
    {
        using IDisposable guard = no_grad();
        _teacher = teacher;
        _hidden = hidden.detach();
        if (_hidden.device_type == DeviceType.CPU && teacher.FactorLogits(_hidden) is { } factors)
            _head = new(factors with { Input = factors.Input.detach(), Weight = factors.Weight.detach() }, teacher.ProductType);
    }

    /// <inheritdoc/>
    public override TeacherLogits Read(int first, int count)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_head is null)
        {
            _buffer?.Dispose();
            _buffer = _teacher.Logits(_hidden.narrow(0, first, count)).contiguous().DetachFromDisposeScope();
            return new TeacherLogits.All(_buffer);
        }

        _buffer ??= empty([count, _head.Vocabulary]).DetachFromDisposeScope();
        Tensor rows = _buffer.narrow(0, 0, count);
        _head.Logits(first, rows);
        return new TeacherLogits.All(rows.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _buffer?.Dispose();
    }
}
