using System.Reflection;
using System.Reflection.Emit;

namespace Patchwork.Tests.Architecture;

/// <summary>
/// Finds what the compiled code of a type mentions, from signatures and instructions, so that no alias or partially qualified name hides
/// it.
/// </summary>
internal static class CompiledCode
{
    private const BindingFlags Everything =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>
    /// Returns the types that a type uses: its base type, interfaces and members, and the types that its instructions name, including
    /// element types and generic arguments.
    /// </summary>
    public static IReadOnlySet<Type> TypesUsedBy(Type type)
    {
        var used = new HashSet<Type>();
        void Add(Type? one)
        {
            if (one is null)
                return;
            if (one.HasElementType)
                Add(one.GetElementType());
            if (one.IsGenericType)
            {
                foreach (var argument in one.GetGenericArguments())
                    Add(argument);
            }
            used.Add(one.IsGenericType ? one.GetGenericTypeDefinition() : one);
        }

        Add(type.BaseType);
        foreach (var one in type.GetInterfaces())
            Add(one);
        foreach (var field in type.GetFields(Everything))
            Add(field.FieldType);
        foreach (var method in MethodsOf(type))
        {
            foreach (var parameter in method.GetParameters())
                Add(parameter.ParameterType);
            Add((method as MethodInfo)?.ReturnType);
            foreach (var local in method.GetMethodBody()?.LocalVariables ?? [])
                Add(local.LocalType);
            foreach (var mentioned in Mentioned(method))
            {
                switch (mentioned)
                {
                    case Type one:
                        Add(one);
                        break;
                    case MemberInfo member:
                        Add(member.DeclaringType);
                        Add((member as MethodInfo)?.ReturnType ?? (member as FieldInfo)?.FieldType);
                        break;
                }
            }
        }
        return used;
    }

    /// <summary>Returns the string literals in the instructions of a type.</summary>
    public static IEnumerable<string> TextsIn(Type type) => MethodsOf(type).SelectMany(Mentioned).OfType<string>();

    private static IEnumerable<MethodBase> MethodsOf(Type type) => [.. type.GetMethods(Everything), .. type.GetConstructors(Everything)];

    // Members and strings that the instructions name, in order (ECMA-335, partition III).
    private static IEnumerable<object> Mentioned(MethodBase method)
    {
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        var (ofType, ofMethod) = (method.DeclaringType!.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments()
            : null);
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xfe)
                value = unchecked((short)(0xfe00 | code[at++]));
            var operand = OpCodes[value].OperandType;
            switch (operand)
            {
                case OperandType.InlineString:
                    yield return method.Module.ResolveString(BitConverter.ToInt32(code, at));
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    if (method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod) is { } member)
                        yield return member;
                    break;
            }
            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(code, at),
                _ => 4,
            };
        }
    }
}
