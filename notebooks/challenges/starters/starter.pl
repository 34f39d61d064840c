#!/usr/bin/env perl
use strict; use warnings; use JSON::PP; use IO::Socket::INET;
$| = 1; # each line goes out at once
my $role = decode_json(scalar <STDIN>);
my ($password, $address) = $role->{redis} =~ m{//:(\w+)@([^/]+)};

sub ask { # one command in Redis's own protocol; dies if there is no answer
    my $server = shift;
    print $server "*${\scalar @_}\r\n", map { ('$', length, "\r\n$_\r\n") } @_;
    my ($kind, $rest) = (<$server> // die "no answer\n") =~ /^(.)(.*)\r\n/;
    die "$rest\n" if $kind eq '-';
    return $kind ne '$' ? $rest : $rest < 0 ? undef : <$server> =~ s/\r\n//r;
}
sub redis { # the same over a new connection
    my $server = IO::Socket::INET->new($address) or die "no server\n";
    ask($server, 'AUTH', $password);
    return ask($server, @_);
}
sub say_it { print encode_json({@_}), "\n" }

if ($role->{role} eq 'producer') {
    while (<STDIN>) {
        my $job = decode_json($_)->{put};
        utf8::encode(my $bytes = $job);
        eval { redis('LPUSH', 'queue', $bytes); 1 } ? say_it(put => $job) : say_it(refused => $job, error => $@);
    }
    exit;
}
say_it(ready => 1);
while (1) {
    my $job = redis('RPOP', 'queue');
    if (defined $job) { utf8::decode($job); say_it(run => $job); <STDIN>; } # and here it would be acknowledged
    else { select undef, undef, undef, 0.05; }        # a short sleep
}
