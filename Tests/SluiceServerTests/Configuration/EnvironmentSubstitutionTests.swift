import SluiceServer
import Testing

@Suite struct EnvironmentSubstitutionTests {
    private func apply(_ text: String) throws(EnvironmentSubstitution.Problem)
        -> EnvironmentSubstitution.Result
    {
        try EnvironmentSubstitution.apply(text, environment: ["A": "one", "B_2": "$${A}", "EMPTY": ""])
    }

    @Test(arguments: [
        ("plain", "plain", false), ("${A}", "one", true), ("x${A}y${A}", "xoneyone", true),
        ("$$", "$", false),
        ("$${A}", "${A}", false), ("$$${A}", "$one", true), ("cost$5", "cost$5", false),
        ("end$", "end$", false),
        ("${B_2}", "$${A}", true), ("${EMPTY}", "", true), ("$A", "$A", false),
    ])
    func variablesGoIn(text: String, expected: String, substituted: Bool) throws {
        let result = try apply(text)
        #expect(result == EnvironmentSubstitution.Result(text: expected, substituted: substituted))
    }

    @Test(arguments: [
        ("${NONE}", EnvironmentSubstitution.Problem.unset("NONE")), ("${A", .unclosed), ("${}", .badName("")),
        ("${A-B}", .badName("A-B")), ("${1A}", .badName("1A")), ("${a}", .unset("a")),
    ])
    func whatIsWrongIsNamed(text: String, expected: EnvironmentSubstitution.Problem) {
        #expect(throws: expected) { try apply(text) }
    }

    @Test func aVariableCannotChangeTheDocument() throws {
        let options = ConfigurationOptions.tests(["V": "a\nworkers: 9", "W": "2"])
        #expect(problems("workers: ${W}\ndata: \"${V}\"\n", options: options) == [])
        let read = try ConfigurationLoader.parse(
            "workers: ${W}\ndata: \"${V}\"\n", file: nil, options: options)
        #expect(read.workers == 2)
        #expect(read.data == "a\nworkers: 9")
    }
}
