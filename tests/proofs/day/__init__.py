"""A trader's day against a venue on the wire, by the desk's own programs, with faults all day."""
