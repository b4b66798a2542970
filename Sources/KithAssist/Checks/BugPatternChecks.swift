// SPDX-License-Identifier: Apache-2.0

/// Calls and comparisons that often are not what was meant.
enum HabitCheck {
    private struct Habit: Sendable {
        var languages: [CodeLanguage]
        /// Words and symbols in a row.
        var pattern: [String]
        var weight: Finding.Weight
        var words: String
        /// Whether it may belong to a name before it, as in `a.eval(…)`.
        var isMember = false

        init(
            _ languages: [CodeLanguage], _ pattern: [String], _ weight: Finding.Weight, _ words: String,
            member: Bool = false
        ) {
            self.languages = languages
            self.pattern = pattern
            self.weight = weight
            self.words = words
            isMember = member
        }
    }

    private static let script: [CodeLanguage] = [.javaScript, .typeScript]
    private static let habits: [Habit] = [
        Habit([.python], ["eval", "("], .danger, "eval runs whatever text it is given as code"),
        Habit([.python], ["exec", "("], .danger, "exec runs whatever text it is given as code"),
        Habit(
            [.python], ["shell", "=", "True"], .danger,
            "with shell=True the command is read by a shell; a list of arguments is not"),
        Habit([.python], ["os", ".", "system", "("], .danger, "os.system passes the text to a shell"),
        Habit([.python], ["pickle", ".", "loads", "("], .danger, "pickle.loads can run code that stands in the data"),
        Habit([.python], ["verify", "=", "False"], .danger, "with verify=False nobody checks whose certificate it is"),
        Habit([.python], ["==", "None"], .habit, "None is compared by '=='; 'is None' cannot be overridden"),
        Habit([.python], ["!=", "None"], .habit, "None is compared by '!='; 'is not None' cannot be overridden"),
        Habit([.python], ["==", "True"], .habit, "a truth value is compared by '== True'"),
        Habit([.python], ["==", "False"], .habit, "a truth value is compared by '== False'; 'not' says the same"),
        Habit([.python], ["print", "("], .note, "print writes to standard output"),
        Habit([.python], ["breakpoint", "("], .fault, "breakpoint() stops the program for a debugger"),
        Habit(
            [.python], ["pdb", ".", "set_trace", "("], .fault, "set_trace() stops the program for a debugger",
            member: true),
        Habit(script, ["eval", "("], .danger, "eval runs whatever text it is given as code"),
        Habit(script, ["new", "Function", "("], .danger, "new Function makes code of text"),
        Habit(
            script, ["innerHTML", "="], .danger, "innerHTML takes text for markup; textContent does not", member: true),
        Habit(script, ["document", ".", "write", "("], .danger, "document.write takes text for markup"),
        Habit(script, ["==", "null"], .note, "'== null' is true for undefined too"),
        Habit(script, ["!=", "null"], .note, "'!= null' leaves undefined out too"),
        Habit(script, ["console", ".", "log", "("], .note, "console.log is left in"),
        Habit(script, ["debugger", ";"], .fault, "'debugger' stops the program where tools are open"),
        Habit([.swift], ["try", "!"], .fault, "'try!' ends the program when the call throws"),
        Habit([.swift], ["as", "!"], .fault, "'as!' ends the program when the value is of another type"),
        Habit([.swift], ["print", "("], .note, "print writes to standard output"),
        Habit([.c], ["gets", "("], .danger, "gets cannot be told how much room there is"),
        Habit([.c], ["strcpy", "("], .danger, "strcpy does not look how much room there is"),
        Habit([.c], ["strcat", "("], .danger, "strcat does not look how much room there is"),
        Habit([.c], ["sprintf", "("], .danger, "sprintf does not look how much room there is; snprintf does"),
        Habit([.c], ["system", "("], .danger, "system passes the text to a shell"),
    ]

    static func findings(in code: ReadCode) -> [Finding] {
        let wanted = habits.filter { $0.languages.contains(code.language) }
        guard !wanted.isEmpty else { return [] }
        let byFirst = Dictionary(grouping: wanted.indices) { wanted[$0].pattern[0] }
        var lines: [Int: [Int]] = [:]
        for (index, token) in code.tokens.enumerated() where token.kind != .string {
            for number in byFirst[token.text] ?? [] where stands(wanted[number], at: index, in: code) {
                lines[number, default: []].append(token.line)
            }
        }
        return lines.compactMap { Finding(wanted[$0.key].weight, lines: $0.value, wanted[$0.key].words) }
            + looseEquality(in: code)
    }

    private static func stands(_ habit: Habit, at index: Int, in code: ReadCode) -> Bool {
        for (offset, text) in habit.pattern.enumerated() {
            guard let token = code.token(index + offset), token.kind != .string, token.text == text else {
                return false
            }
        }
        guard !habit.isMember, let before = code.token(index - 1) else { return true }
        let startsName = code.tokens[index].kind == .word
        return !(startsName && (before.isSymbol(".") || ["def", "func", "function"].contains(before.text)))
    }

    /// Apart from null, which has its own line above.
    private static func looseEquality(in code: ReadCode) -> [Finding] {
        guard code.language.isScript else { return [] }
        let lines = code.tokens.indices.filter { index in
            (code.tokens[index].isSymbol("==") || code.tokens[index].isSymbol("!="))
                && code.token(index + 1)?.text != "null" && code.token(index - 1)?.text != "null"
        }.map { code.tokens[$0].line }
        return [
            Finding(
                .habit, lines: lines, "'==' and '!=' convert the types of what they compare; '===' and '!==' do not")
        ].compactMap { $0 }
    }
}

/// Errors that are caught and lost.
enum ErrorCheck {
    static func findings(in code: ReadCode) -> [Finding] {
        guard code.isSound else { return [] }
        return code.language == .python ? python(code) : braced(code)
    }

    private static func python(_ code: ReadCode) -> [Finding] {
        var (bare, lost): ([Int], [Int]) = ([], [])
        for (index, statement) in code.statements.enumerated() {
            let tokens = statement.tokens
            guard code.tokens[tokens.lowerBound].isWord("except") else { continue }
            if code.token(tokens.lowerBound + 1)?.isSymbol(":") == true { bare.append(statement.line) }
            guard let colon = tokens.last(where: { code.tokens[$0].isSymbol(":") }) else { continue }
            let inline = colon + 1..<tokens.upperBound
            guard let body = inline.isEmpty ? onlyStatement(under: index, in: code.statements) : inline else {
                continue
            }
            if body.count == 1, ["pass", "..."].contains(code.tokens[body.lowerBound].text) {
                lost.append(statement.line)
            }
        }
        return [
            Finding(.fault, lines: bare, "a bare 'except:' catches everything, the interruption by the user included"),
            Finding(.fault, lines: lost, "the error is caught and nothing is done about it"),
        ].compactMap { $0 }
    }

    private static func onlyStatement(under index: Int, in statements: [LogicalLine]) -> Range<Int>? {
        let block = statements[(index + 1)...].prefix(2).prefix { $0.indent > statements[index].indent }
        return block.count == 1 ? block.first?.tokens : nil
    }

    private static func braced(_ code: ReadCode) -> [Finding] {
        let lines = code.tokens.indices.filter { index in
            guard code.tokens[index].isWord("catch") else { return false }
            var place = index + 1
            if code.token(place)?.isSymbol("(") == true { place = (code.brackets.partners[place] ?? place) + 1 }
            return code.token(place)?.isSymbol("{") == true && code.token(place + 1)?.isSymbol("}") == true
        }.map { code.tokens[$0].line }
        return [Finding(.fault, lines: lines, "the error is caught and nothing is done about it")].compactMap { $0 }
    }
}
