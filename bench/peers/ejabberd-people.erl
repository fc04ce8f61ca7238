%% Makes the accounts of a benchmark and their rosters. Deriving the keys of each would take minutes: all
%% have the password of the first, and so its keys. Evaluated in ejabberd by file:script/2.
User = fun(Index) -> iolist_to_binary([Prefix, integer_to_list(Index)]) end,
ok = ejabberd_auth:try_register(User(0), Domain, Password),
[{passwd, _, Keys}] = mnesia:dirty_read(passwd, {User(0), Domain}),
Jid = fun(Index) -> {User(Index), Domain, <<>>} end,
Contact = fun(Index, Other) ->
  mnesia:dirty_write({roster, {User(Index), Domain, Jid(Other)}, {User(Index), Domain}, Jid(Other),
                      <<>>, both, none, [], <<>>, []})
end,
lists:foreach(fun(Index) ->
  mnesia:dirty_write({passwd, {User(Index), Domain}, Keys}),
  lists:foreach(fun(Step) ->
    Contact(Index, (Index + Step) rem Count),
    Contact(Index, (Index - Step + Count) rem Count)
  end, lists:seq(1, Contacts div 2))
end, lists:seq(0, Count - 1)),
made.
