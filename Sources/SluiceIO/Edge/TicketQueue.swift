/// Which connections wait for which ticket. Few tickets are open at a time, each with many
/// connections; a connection may stand under several.
///
/// Invariant: `groups` is ordered by ticket, without repetition. Owner: the loop's thread.
struct TicketQueue {
    private struct Group {
        var ticket: UInt64
        var tokens: [UInt64]
    }

    private var groups: [Group] = []
    private var spare: [[UInt64]] = []

    private static let spareKept = 16

    var isEmpty: Bool { groups.isEmpty }

    mutating func add(ticket: UInt64, token: UInt64) {
        // Nearly always the last group: tickets grow. A duplicate may wait for an older one.
        var place = groups.count
        while place > 0 && groups[place - 1].ticket > ticket { place -= 1 }
        if place > 0 && groups[place - 1].ticket == ticket {
            groups[place - 1].tokens.append(token)
        } else {
            var tokens = spare.popLast() ?? []
            tokens.append(token)
            groups.insert(Group(ticket: ticket, tokens: tokens), at: place)
        }
    }

    /// Takes out the connections of the lowest ticket, if it is at most `ticket`. Give the list
    /// back with `recycle`.
    mutating func popFirst(through ticket: UInt64) -> [UInt64]? {
        guard let first = groups.first, first.ticket <= ticket else { return nil }
        return groups.removeFirst().tokens
    }

    /// Takes out the connections that wait for exactly this ticket.
    mutating func remove(ticket: UInt64) -> [UInt64]? {
        guard let place = groups.firstIndex(where: { $0.ticket == ticket }) else { return nil }
        return groups.remove(at: place).tokens
    }

    mutating func recycle(_ tokens: consuming [UInt64]) {
        guard spare.count < Self.spareKept else { return }
        tokens.removeAll(keepingCapacity: true)
        spare.append(tokens)
    }
}
