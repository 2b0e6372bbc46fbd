namespace Patchwork.Recipes;

/// <summary>Optimizers that a recipe can name.</summary>
public enum OptimizerKind
{
    /// <summary>SGD with Nesterov momentum.</summary>
    Sgd,

    /// <summary>Adam.</summary>
    Adam,

    /// <summary>AdamW.</summary>
    AdamW,
}

/// <summary>Losses that a recipe can name.</summary>
public enum LossKind
{
    /// <summary>Cross entropy of softmax.</summary>
    CrossEntropy,

    /// <summary>Binary cross entropy of sigmoid, for each class.</summary>
    Binary,

    /// <summary>Focal loss, γ 2.</summary>
    Focal,
}

/// <summary>Learning rate schedules that a recipe can name.</summary>
public enum ScheduleKind
{
    /// <summary>The same rate throughout.</summary>
    Constant,

    /// <summary>Times 0.1 at each milestone.</summary>
    MultiStep,

    /// <summary>Half a cosine down to 0.</summary>
    Cosine,

    /// <summary>Up for 30 % of the steps and down to almost 0.</summary>
    OneCycle,
}
