// SPDX-License-Identifier: Apache-2.0

/// Where a setting was set.
package enum SettingPlace: Hashable, Sendable, CustomStringConvertible {
    case flag(String)
    case environment(String)
    /// A name in a `.env` file.
    case environmentFile(String, path: String, line: Int)
    case yaml(path: String, line: Int?)
    case byDefault

    /// Whether it is this name in the environment or in a `.env` file.
    func isNamed(_ name: String) -> Bool {
        switch self {
        case .environment(let given), .environmentFile(let given, _, _): given == name
        case .flag, .yaml, .byDefault: false
        }
    }

    /// The source without the name that was used there.
    var source: String {
        switch self {
        case .flag: "the command line"
        case .environment: "the environment"
        case .environmentFile(_, let path, let line): "\(path), line \(line)"
        case .yaml, .byDefault: description
        }
    }

    package var description: String {
        switch self {
        case .flag(let flag): flag
        case .environment(let name): "\(name) in the environment"
        case .environmentFile(let name, let path, let line): "\(name) in \(path), line \(line)"
        case .yaml(let path, let line): path + (line.map { ", line \($0)" } ?? "")
        case .byDefault: "the default"
        }
    }
}

/// Why the settings cannot be used, in one line; never holds a secret.
package struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Fault: Hashable, Sendable {
        /// No setting has this name.
        case unknown(suggestion: String?)
        /// A value of the wrong type or out of range, quoted unless it may be secret.
        case unusable(value: String?, expected: String)
        /// A value stands where a group of settings belongs.
        case group(example: String)
        /// The setting cannot stand in a file.
        case notInFiles(instead: String)
        /// The file cannot be read or understood.
        case unreadable(String)
        /// The value can be used by itself, but not like this.
        case refused(String)
    }

    /// The name as it was written, or the file at fault.
    package var setting: String
    package var place: SettingPlace
    package var fault: Fault

    package init(_ setting: String, at place: SettingPlace, _ fault: Fault) {
        self.setting = setting
        self.place = place
        self.fault = fault
    }

    package var description: String {
        switch fault {
        case .unknown(let suggestion):
            "unknown setting \(setting) (\(place.source)); "
                + (suggestion.map { "did you mean \($0)?" } ?? "`kith settings` lists those there are")
        case .unusable(let value, let expected):
            "setting \(setting): " + (value.map { "\"\(Self.quotable($0))\"" } ?? "the value")
                + " (\(place)) is not \(expected)"
        case .group(let example):
            "setting \(setting) (\(place)) is a group of settings, such as \(example)"
        case .notInFiles(let instead):
            "setting \(setting) (\(place)) cannot stand in a file; use \(instead)"
        case .unreadable(let reason):
            "\(setting) cannot be used: \(reason)"
        case .refused(let reason):
            "setting \(setting) (\(place)): \(reason)"
        }
    }

    /// Short, and on one line.
    private static func quotable(_ value: String) -> String {
        let visible = value.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }
        return visible.joined() + (value.unicodeScalars.count > 80 ? "…" : "")
    }
}
