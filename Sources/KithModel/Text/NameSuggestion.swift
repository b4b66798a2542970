// SPDX-License-Identifier: Apache-2.0

/// Finds the name that was probably meant.
package enum NameSuggestion {
    /// - Returns: The nearest of `candidates` within the distance that is likely for a name of this length.
    package static func nearest(to name: String, among candidates: some Sequence<String>, limit: Int) -> String? {
        let allowed = min(limit, max(1, name.unicodeScalars.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(name.lowercased(), candidate.lowercased())
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours: the optimal string alignment distance (Damerau, "A
    /// technique for computer detection and correction of spelling errors", 1964).
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.unicodeScalars.prefix(128))
        let right = Array(right.unicodeScalars.prefix(128))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                let isSwap =
                    row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column]
                if isSwap { cost = min(cost, beforeLast[column - 1] + 1) }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
