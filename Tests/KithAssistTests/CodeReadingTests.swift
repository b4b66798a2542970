// SPDX-License-Identifier: Apache-2.0

import KithAssist
import Testing

@Suite("Reading code without an engine")
struct CodeReadingTests {
    /// Code, its language, and what must be said of it; the lines that are named must be right.
    struct Sample: Sendable, CustomTestStringConvertible {
        var language: String
        var code: String
        var said: String

        init(_ language: String, _ code: String, _ said: String) {
            self.language = language
            self.code = code
            self.said = said
        }

        var testDescription: String { "\(language): \(said)" }
    }

    static let samples = [
        Sample(
            "python", "def function():\n    pass", "Line 1: function 'function' does nothing: its body is only 'pass'"),
        Sample(
            "python", "def f():\n    \"\"\"Later.\"\"\"\n    raise NotImplementedError",
            "Line 1: function 'f' is not written"),
        Sample("python", "x = (1,\n     2", "Line 1: '(' is opened and never closed"),
        Sample("python", "x = 1)\n", "Line 1: ')' closes nothing"),
        Sample("python", "x = [1,\n  2)\n", "Line 2: ')' stands where the '[' of line 1 must be closed"),
        Sample("python", "a = 1\nx = 'open\ny = 2", "Line 2: a string is opened and not closed"),
        Sample("python", "\"\"\"doc\n\nmore", "Line 1: a string is opened and not closed"),
        Sample("python", "try:\n    f()\nexcept:\n    log()\n", "Line 3: a bare 'except:'"),
        Sample(
            "python", "try:\n    f()\nexcept OSError:\n    pass\n", "Line 3: the error is caught and nothing is done"),
        Sample("python", "if x == None:\n    y()", "Line 1: None is compared by '=='"),
        Sample("python", "def f(a, b=[]):\n    return b", "Line 1: the default of 'b' in 'f' is made once"),
        Sample("python", "def f(a,\n      b=dict()):\n    return b", "Line 2: the default of 'b'"),
        Sample("python", "eval(text)", "Line 1: eval runs"),
        Sample("python", "run(c, shell=True)\n", "Line 1: with shell=True"),
        Sample("python", "import os\nimport sys\nprint(sys.argv)", "Line 1: 'os' is imported and not used"),
        Sample("python", "from a import (b,\n  c as d)\nb()", "Line 2: 'd' is imported and not used"),
        Sample("python", "def f():\n    unread = g()\n    return 1", "Line 2: 'unread' is set and never read"),
        Sample("python", "def f(x)\n    return x", "Line 1: 'def' begins a block and has no ':'"),
        Sample("python", "if x:\ny = 1", "Line 1: a block is begun and nothing is indented"),
        Sample("python", "a = 1\nb = 2\n  c = 3", "Line 3: the indentation fits no block"),
        Sample("python", "if a:\n        b()\n    c()\n", "Line 3: the indentation fits no block"),
        Sample(
            "python", "def f():\n    return 1\n    g()", "Line 3 is never reached, because line 2 leaves by 'return'"),
        Sample("python", "x = 1\n# TODO: later\n", "Line 2: TODO is left"),
        Sample(
            "python", "if a:\n    b()\nif c:\n\td()",
            "Line 4: indented with tabs, where the other lines are with spaces"),
        Sample("python", "if a:\n \tb()\n  \tc()", "Line 3: the indentation mixes tabs and spaces"),
        Sample("javascript", "function f() {\n  g(;\n}", "Line 3: '}' stands where the '(' of line 2"),
        Sample("javascript", "if (a == b) { c() }", "Line 1: '==' and '!=' convert"),
        Sample("javascript", "if (a == null) { c() }", "Line 1: '== null' is true for undefined too"),
        Sample("javascript", "try { f() } catch (e) {}", "Line 1: the error is caught and nothing is done"),
        Sample("javascript", "console.log(1);\nf();\nconsole.log(2);", "Lines 1 and 3: console.log is left in"),
        Sample("javascript", "const a = `x ${f(`y`)} \nz`;\nconst s = 'open\n", "Line 3: a string is opened"),
        Sample("typescript", "import { a, b as c } from 'm';\na();\n", "Line 1: 'c' is imported and not used"),
        Sample(
            "typescript", "const f = (x: number) => {\n  const unread = x + 1;\n};\n",
            "Line 2: 'unread' is set and never read"),
        Sample("javascript", "function f() {}\nf();", "Line 1: function 'f' does nothing: its body is empty"),
        Sample("swift", "func f() {\n    let unread = g()\n}\n", "Line 2: 'unread' is set and never read"),
        Sample("swift", "let a = try! f()", "Line 1: 'try!' ends the program"),
        Sample(
            "swift", "func f() {\n    do { try g() } catch {}\n}", "Line 2: the error is caught and nothing is done"),
        Sample("swift", "let s = \"a \\(f(\"b\")) c\nlet t = 1", "Line 1: a string is opened"),
        Sample("c", "int main(void) {\n  gets(line);\n  return 0;\n}", "Line 2: gets cannot be told"),
        Sample("c", "/* never\n closed", "Line 1: a comment is opened and not closed"),
        Sample("go", "func f() {\n\tg(\n}", "Line 3: '}' stands where the '(' of line 2"),
        Sample("", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n", "Lines 1 and 5: the marks of a merge conflict"),
        Sample("", "a\u{0}b", "Line 1: control characters stand in the text"),
        Sample("", "  \n\n", "The code is empty"),
        Sample("python", "# one\n# two\n", "There are only comments in these 2 lines"),
    ]

    @Test("What is wrong is named with its line", arguments: samples)
    func named(sample: Sample) {
        let reading = CodeReading(sample.code, language: sample.language)
        #expect(reading.findings.contains { $0.text.hasPrefix(sample.said) }, "\(reading.sentences)")
    }

    static let innocents = [
        Sample("python", "x = 'it''s ( fine' # don't ) worry\n", ""),
        Sample("python", "s = \"\"\"an 'open ( thing\"\"\"\nt = rb'\\''\n", ""),
        Sample("python", "def f(x: int) -> dict[str, int]:\n    return {'a': x}[\n        'a'\n    ]\n", ""),
        Sample("python", "for a in b:\n    if a:\n        continue\n    else:\n        c(a)\n", ""),
        Sample(
            "python", "try:\n    a()\nexcept (OSError, ValueError) as error:\n    log(error)\nfinally:\n    b()\n", ""),
        Sample("python", "match x:\n    case 1:\n        a()\n    case _:\n        b()\n", ""),
        Sample("python", "class A:\n    size = 3\n\n    def f(self):\n        return self.size\n", ""),
        Sample("python", "def f():\n    name = 1\n    return f'{name}'\n", ""),
        Sample("python", "    indented = 1\n    selection(indented)\n", ""),
        Sample("python", "first_half)\n".replacing(")", with: "()") + "    rest()\n", ""),
        Sample("javascript", "const r = /[/\"']\\/(/.test(a / b) ? `(${x})` : '';\nf(r);\n", ""),
        Sample("javascript", "const a = <p>Don't worry (</p>;\nf(a);\n", ""),
        Sample("swift", "let s = #\"a \" ( \\(x) \\#(y)\"#\nuse(s)\n", ""),
        Sample("swift", "#if DEBUG\nfunc f() {\n#else\nfunc f(a: Int) {\n#endif\n    g()\n}\n", ""),
        Sample("swift", "protocol P {\n    func f(a: Int)\n    var x: Int { get }\n}\n", ""),
        Sample("c", "char c = '\\''; char d = '\"'; int n = 1'000'000;\n", ""),
        Sample("c", "auto s = R\"x(an \" open ( thing)x\";\n", ""),
        Sample("rust", "fn f<'a>(x: &'a str) -> &'a str {\n    x\n}\n", ""),
        Sample("go", "s := `a \" ( `\nf(s)\n", ""),
        Sample("php", "$x = 'don\\'t ( ';\n", ""),
    ]

    @Test("What is right is left alone, and what was looked at is told", arguments: innocents)
    func innocent(sample: Sample) throws {
        let reading = CodeReading(sample.code, language: sample.language)
        #expect(reading.findings == [])
        let sentence = try #require(reading.sentences.first)
        #expect(sentence.hasPrefix("Nothing stands out in \(reading.lineCount) line"))
    }

    @Test("A function that is too long or too deep is named with its lines")
    func sizes() {
        let long = "def long():\n" + (1...70).map { "    step_\($0)(\($0))\n" }.joined()
        #expect(
            CodeReading(long, language: "python").sentences.contains("Function 'long' is 71 lines long (lines 1–71)"))
        let deep =
            "function deep() {\n" + String(repeating: "if (a) {\n", count: 6) + "b();"
            + String(repeating: "}", count: 7)
        #expect(
            CodeReading(deep, language: "javascript").sentences.contains(
                "Line 7: blocks are nested 6 deep in 'deep'"))
        let wide = "x = 1\n" + String(repeating: "y", count: 200) + " = 2\n"
        #expect(CodeReading(wide, language: "python").sentences.contains("Line 2: 204 characters long"))
    }

    @Test("Lines that stand twice are named once")
    func repetition() {
        let block = (1...6).map { "    total_of_things += weight[\($0)] * price[\($0)]\n" }.joined()
        let code = "def a(total_of_things):\n\(block)\ndef b(total_of_things):\n\(block)"
        let found = CodeReading(code, language: "python").sentences.filter { $0.contains("repeat") }
        #expect(found == ["Lines 10–15 repeat lines 2–7 word for word"])
    }

    @Test(
        "A secret is told of, and its value is neither repeated nor passed on",
        arguments: [
            ("python", "api_key = \"S3cr3tVal-991\"", "'api_key'"),
            ("javascript", "const cfg = { password: 'S3cr3tVal-991' };", "'password'"),
            ("python", "os.environ['DB_PASSWORD'] = 'S3cr3tVal-991'", "'DB_PASSWORD'"),
            ("swift", "let token: String = \"S3cr3tVal-991\"", "'token'"),
            ("", "DB_PASSWORD=S3cr3tVal-991", "'DB_PASSWORD'"),
            ("python", "call('AKIAS3cr3tVal-9911XY')", "the form of a credential"),
        ])
    func secrets(language: String, code: String, words: String) {
        let reading = CodeReading(code, language: language)
        #expect(
            reading.sentences.contains { $0.hasPrefix("Line 1: a literal") && $0.contains(words) },
            "\(reading.sentences)")
        #expect(!reading.sentences.joined().contains("S3cr3tVal"))
        #expect(!reading.shownCode.contains("S3cr3tVal"))
        #expect(reading.shownCode.utf8.count == code.utf8.count)
    }

    @Test(
        "What only looks like a secret is left alone",
        arguments: [
            "password = os.environ['PASSWORD']", "token = ''", "password = 'changeme123'",
            "token_limit = 'S3cr3tVal-991'",
            "label = 'password'", "password = '${DB_PASSWORD}'",
        ])
    func noSecrets(code: String) {
        #expect(CodeReading(code, language: "python").sentences.allSatisfy { !$0.contains("a literal") })
    }

    @Test(
        "The language is the client's word, else the file's ending, else what the code looks like",
        arguments: [
            ("python", "a.js", "", CodeLanguage.python), (nil, "src/a.tsx", "", .typeScript),
            (nil, "C:\\a\\b.py", "", .python),
            (nil, nil, "def f(x):\n    return x\n", .python), (nil, nil, "#include <stdio.h>\nint main(void) {\n", .c),
            (nil, nil, "const a = 1;\nlet b = 2;\n", .javaScript), (nil, nil, "func f() {\n    let a = 1\n}\n", .swift),
            (nil, nil, "some words", .other), ("cobol", "a.py", "", .other), ("", "noending", "", .other),
        ] as [(String?, String?, String, CodeLanguage)])
    func languages(name: String?, path: String?, code: String, language: CodeLanguage) {
        #expect(CodeReading(code, language: name, path: path).language == language)
    }

    @Test("Who wants to document is told what is not documented")
    func documentation() throws {
        let code = "def a():\n    \"\"\"Says a.\"\"\"\n    return 1\n\n\ndef b():\n    return 2\n"
        let action = try #require(AssistAction(rawValue: "document"))
        let said = CodeReading(code, language: "python", action: action).sentences
        #expect(said == ["Line 6: function 'b' has no docstring"])
    }
}
