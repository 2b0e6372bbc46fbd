using System.Reflection;
using System.Runtime.CompilerServices;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Architecture;

/// <summary>Rules for the public API of the libraries.</summary>
public sealed class PublicSurfaceTests
{
    private static readonly Assembly[] Libraries = [typeof(Methods).Assembly, typeof(InputException).Assembly];

    private static IEnumerable<Type> Public => Libraries.SelectMany(library => library.GetExportedTypes());

    [Fact]
    public void Classes_are_abstract_sealed_or_static_and_named_for_what_they_are()
    {
        foreach (var type in Public.Where(type => type.IsClass && type.BaseType != typeof(MulticastDelegate)))
        {
            Assert.True(type.IsAbstract || type.IsSealed, $"{type} is neither abstract nor sealed");
            Assert.DoesNotMatch("(Helper|Manager|Utils?|Base|Impl|Processor)$", type.Name);
        }
    }

    [Fact]
    public void The_Internals_namespace_has_no_public_types() =>
        Assert.Equal([], Public.Where(type => type.Namespace == "Patchwork.Internals"));

    [Fact]
    public void Exceptions_that_users_catch_are_in_the_root_namespace() =>
        Assert.Equal([], Public.Where(type => type.IsSubclassOf(typeof(Exception)) && type.Namespace != "Patchwork"));

    [Fact]
    public void No_public_member_has_a_tuple_type()
    {
        const BindingFlags members = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var tuples = from type in Public
                     from member in type.GetMembers(members)
                     where member.GetCustomAttribute<CompilerGeneratedAttribute>() is null && TypesOf(member).Any(HasTuple)
                     select $"{type.Name}.{member.Name}";
        Assert.True(!tuples.Any(), string.Join('\n', tuples.Order(StringComparer.Ordinal)));
    }

    // A user's own method, data set or suite must be able to override every abstract member.
    [Theory]
    [InlineData(typeof(Mixer)), InlineData(typeof(BetaMixer)), InlineData(typeof(BlindMixer)), InlineData(typeof(FeatureMixer)),
        InlineData(typeof(Eraser))]
    [InlineData(typeof(BranchRegularizer)), InlineData(typeof(LabelRule)), InlineData(typeof(Dataset)), InlineData(typeof(Suite))]
    public void Base_classes_for_users_can_be_derived_from(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
        Assert.Contains(type.GetConstructors(all), constructor =>
            constructor.IsPublic || constructor.IsFamily || constructor.IsFamilyOrAssembly);
        Assert.DoesNotContain(type.GetMethods(all), method =>
            method.IsAbstract && !(method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly));
    }

    [Fact]
    public void The_command_line_sees_only_the_public_API()
    {
        foreach (var library in Libraries)
            Assert.DoesNotContain("Patchwork.Cli", library.GetCustomAttributes<InternalsVisibleToAttribute>()
                .Select(friend => friend.AssemblyName));
    }

    [Fact]
    public void Lines_of_source_have_at_most_140_columns()
    {
        var wide = from file in Repository.Sources("src", "samples", "benchmarks")
                   from line in File.ReadLines(file).Index()
                   where line.Item.Length > 140
                   select $"{Path.GetRelativePath(Repository.Root, file)}:{line.Index + 1}";
        Assert.True(!wide.Any(), $"{wide.Count()} lines: {string.Join(' ', wide.Take(40))}");
    }

    private static IEnumerable<Type> TypesOf(MemberInfo member) => member switch
    {
        PropertyInfo property => [property.PropertyType],
        FieldInfo field => [field.FieldType],
        MethodInfo { IsSpecialName: false } method =>
            [method.ReturnType, .. method.GetParameters().Select(parameter => parameter.ParameterType)],
        ConstructorInfo constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
        _ => [],
    };

    private static bool HasTuple(Type type) =>
        type.IsGenericType && (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true
        || type.GetGenericArguments().Any(HasTuple)) || type.HasElementType && HasTuple(type.GetElementType()!);
}
