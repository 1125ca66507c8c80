"""The demo's fourteen stories in English."""

from __future__ import annotations

from upss.demo.cast import Plot, Story

STORIES = (
    Story(
        topic="bills",
        language="en",
        size="small",
        title='My electricity bill says "estimated reading". Should I worry?',
        body="""I live alone and use little. This month's bill is a third higher than usual, and next to the meter figure it says "estimated". Nobody came to read the meter, and I did not send anything. Do I just have to pay it and wait? I would like to know what to say to the company before I ring them.""",
        answer="""No need to worry. "Estimated" means the company guessed, usually from past bills. You can have the guess replaced by the real figure.

1. Write down the number on your meter today, with the date. A photo is even better.
2. Compare it with the "estimated" number on the bill. If yours is lower, they have charged you too much.
3. Ring or write, and say: "I would like a corrected bill. My reading on this date was this number."
4. Ask for the case number and note the day.

If your number is higher, the guess was in your favour and the rest comes on the next bill. From now on, send a reading each month, a few days before the bill is made. Then guesses stop.""",
        asker="fern.lanternby",
        answerer="bracken.tallowmere",
        plot=Plot.PAID_OUT,
        day=33,
        hour=11,
    ),
    Story(
        topic="bills",
        language="en",
        size="medium",
        title="How do I compare two mobile phone offers fairly?",
        body="""I have two offers on my kitchen table. One is cheaper for six months and then goes up. The other costs the same all the time but has less data. I mostly call my sister, send photos to the family, and look at the weather. I get lost in the small print. How would you put them side by side?""",
        answer="""Put both on one sheet and look at two whole years, because that is how long most people stay.

1. Offer A: the low price times six, plus the later price times eighteen. Add any joining fee.
2. Offer B: its price times twenty-four. Add any joining fee.
3. Divide each by twenty-four. Now you have the true monthly price of both.

Then check what you really use. Your present bill, or the settings of your phone, shows the data of last month. Calls, photos and the weather seldom need more than a few gigabytes, and at home you are probably on your own internet anyway.

Last, read three lines of the small print: how long you are bound, what it costs to leave early, and what happens when the data runs out (slower, or extra cost). "Slower" is harmless. "Extra cost" is not.

If the two end up within the price of a coffee, I would take the one that binds you for less time. Being free to leave is worth something too.""",
        asker="rowan.puddlewick",
        answerer="bracken.tallowmere",
        plot=Plot.ACCEPTED,
        day=8,
        hour=20,
    ),
    Story(
        topic="bills",
        language="en",
        size="medium",
        title="Is it worth paying for five years of cover on a new washing machine?",
        body="""The shop wants me to add five years of cover to my new washing machine. It costs about a fifth of the price of the machine. I wash twice a week. The seller says repairs are dear, and I felt rushed, so I said I would think about it until Friday. What should I look at before I decide?""",
        answer="""Well done for not signing in the shop. Look at four things.

1. What the law gives you already. In many countries the seller must answer for faults for two or three years, at no cost. Cover that starts today pays for time you already have.
2. What it leaves out. Often that is wear, limescale, the door seal, or coming to your home.
3. What a repair costs. Ring a local repairer and ask about a pump or a drain on your model.
4. How you use it. Twice a week is light work for a washing machine.

With light use, most people do better by putting the same sum aside in an envelope. If nothing breaks, you keep it.""",
        asker="wren.kettlewood",
        answerer="bracken.tallowmere",
        plot=Plot.QUEUED,
        day=1,
        hour=12,
    ),
    Story(
        topic="paperwork",
        language="en",
        size="medium",
        title="How do I write to the council about a street light that has been off for weeks?",
        body="""The lamp outside our block has been dark since the clocks changed. My neighbour says she rang once, but nothing happened. I would like to write a proper letter, short and polite, that somebody will act on. What belongs in it, and how do I follow it up without being a nuisance?""",
        answer="""A good letter of this kind has five short parts. Here is one you can copy.

"Dear Sir or Madam, the street light outside number ___ , ___ Street, has been off since about ___ . The number on the post is ___ . Several older neighbours pass there after dark, and the pavement is uneven. A neighbour reported it by telephone on about ___ . Please could you tell us when it will be repaired, and give us a reference number? Yours faithfully, ___"

Before you send it:

1. Look for a small plate with a number on the post. It saves them a visit.
2. Ask two or three neighbours to sign as well.
3. Send it by the council's own form or e-mail if you can, because you get a reference at once. By post, keep a copy.

If you hear nothing in two weeks, write again with the reference and the words "second request". That is not being a nuisance. It is how things get to the top of the pile. If that fails, send both letters to your local councillor.""",
        asker="juniper.mossbank",
        answerer="bracken.tallowmere",
        plot=Plot.ANSWERED,
        day=3,
        hour=10,
    ),
    Story(
        topic="paperwork",
        language="en",
        size="large",
        title="How can I put thirty years of household papers in order?",
        body="""I have four drawers and two boxes full of papers: bills, guarantees, bank letters, school reports of children who are now forty. I want my family to find things without me. I can work about half an hour a day before I tire of it. Where do I start, what may go, and how do I keep it tidy afterwards?""",
        answer="""Half an hour a day is plenty. I have seen this done in three weeks. The trick is to sort first and read later.

Week one: sort only.
1. Take five boxes and write on them: Home, Money, Me, Family, Out.
2. Take one handful at a time. Give each paper three seconds. If you start reading, put it in the nearest box and go on.
3. When the bell rings, stop. Tomorrow is another day.

Week two: thin out.
1. Old household bills may usually go after a few years. Keep what a tax office could ask about for as long as your country says, often five to seven years.
2. Keep for good: papers about the home, pensions, births, marriages and deaths, and study certificates.
3. Guarantees of things you no longer own may go. Staple the others to their receipts.
4. Tear up or shred anything with an account number.

Week three: make it last.
1. One folder for each of the first four boxes, with a few dividers.
2. One page at the front, "Where things are": bank, insurance, keys, who to ring. Date it, and tell two people where it lies.
3. A single tray for new post. Empty it on the first of each month.

As for the school reports: keep the funniest two of each child, and give the rest to their owners with a ribbon round them. They will laugh, and your drawer will close.""",
        asker="fern.lanternby",
        answerer="bracken.tallowmere",
        plot=Plot.PAID_OUT,
        day=27,
        hour=19,
    ),
    Story(
        topic="home",
        language="en",
        size="small",
        title="How do I stop a wooden door that squeaks and rubs on the floor?",
        body="""My bedroom door squeaks every time, and since last winter it also rubs on the floorboards at the far corner. It has three hinges. I have a screwdriver, a candle and some patience, but I do not want to take the door down on my own if I can help it.""",
        answer="""You may not have to take it down at all.

1. Open the door half way and lift the handle gently. If the door moves, the screws of the top hinge are loose. Tighten them, and the rubbing often goes.
2. If a screw only turns, take it out, push two wooden toothpicks with a drop of wood glue into the hole, snap them off, and put the screw back.
3. For the squeak, rub the candle along the hinge pins, or use one drop of oil. Swing the door ten times and wipe off the rest.
4. Does it still rub? Lay a sheet of sandpaper on the floor, rough side up, and swing the door across it a few times.

If it rubs in winter only, the wood is damp. Leave it until summer before you take off more.""",
        asker="wren.kettlewood",
        answerer="clover.quillfeather",
        plot=Plot.ACCEPTED,
        day=10,
        hour=9,
    ),
    Story(
        topic="home",
        language="en",
        size="medium",
        title="What can I do about grey damp stains on a bedroom wall?",
        body="""There are grey stains low down behind the wardrobe, on an outside wall. They come back each winter, although I wash them off. The room is the coldest in the flat and I dry clothes there when it rains. Is it the wall or is it me? I rent, so I also need to know what to tell the owner.""",
        answer="""Nothing to be ashamed of: stains behind a wardrobe on a cold outside wall are very common, and most often it is damp air that settles where no air moves. Let us first find out which kind you have.

1. Tape a piece of kitchen foil, as big as a plate, flat on the wall and leave it for two days. Wet on the room side means damp air. Wet on the wall side means the wall itself.
2. Pull the wardrobe a hand's width away from the wall.
3. Dry clothes in another room if you can, and open the window wide for ten minutes, twice a day.

As for the owner, I would""",
        asker="rowan.puddlewick",
        answerer="bracken.tallowmere",
        plot=Plot.CLAIMED,
        day=1,
        hour=10,
    ),
    Story(
        topic="home",
        language="en",
        size="small",
        title="Which fixings hold a small shelf on a hollow wall?",
        body="""I want to put up one short shelf for a radio and a few books, perhaps five kilos in all. When I knock on the wall it sounds hollow. My last shelf came down with two ordinary plugs. I have a drill and I am not afraid of it. What should I ask for in the shop?""",
        answer="""Ordinary plugs need something solid to press against, and a hollow wall has nothing there. You have two good ways.

1. Find the wood behind the board. Knock along the wall: where it sounds dull, there is a post. Screw straight into that.
2. If there is no post where you want the shelf, ask for "hollow wall anchors". They open up behind the board like an umbrella.

Read on the packet what each one carries and use four, so that you stay well below it. Do not drill straight above or below a socket or a switch, because cables run there.""",
        asker="juniper.mossbank",
        answerer="clover.quillfeather",
        plot=Plot.DRAFT,
        day=2,
        hour=21,
    ),
    Story(
        topic="garden",
        language="en",
        size="medium",
        title="Why do the lower leaves of my tomato plants turn yellow?",
        body="""I have six tomato plants in big pots against a sunny wall. The tops look fine and there are plenty of flowers, but the lowest leaves go yellow and then brown, one after another. I water every evening. Is it a disease, hunger, or just old age? I would hate to lose them now.""",
        answer="""From what you write, they are most likely hungry, thirsty at the wrong time, or simply growing up. Look at how the yellow begins.

1. Whole leaves, pale and even, from the bottom up: hunger. A pot is used up after six weeks or so. Give tomato feed once a week, as the packet says.
2. Yellow between green veins: they lack magnesium. Again, a full tomato feed helps.
3. Brown spots with rings: a fungus. Take those leaves off with clean scissors and put them in the bin, not on the compost.
4. Only the two or three lowest leaves, in the shade: age. Take them off. The plant will not miss them.

And change the watering. In the evening the leaves stay wet all night, which every fungus enjoys. Water in the morning, slowly, on the soil alone, until it runs out below. Then wait until the top inch feels dry. A layer of straw on the pot keeps it even.

Your plants are flowering, so they are far from lost. Feed this week, and the new leaves will tell you in about ten days.""",
        asker="rowan.puddlewick",
        answerer="clover.quillfeather",
        plot=Plot.PAID_OUT,
        day=21,
        hour=11,
    ),
    Story(
        topic="garden",
        language="en",
        size="small",
        title="When may I cut back lavender that has gone woody?",
        body="""My lavender is eight years old, bare in the middle, and flops open like a book. It still flowers well at the ends. Someone told me to cut it to the ground, someone else said that would kill it. I would like to keep it, because I planted it with my late husband. When do I cut, and how far?""",
        answer="""What a good reason to keep it. The second person was right: lavender seldom grows again from bare wood, so we cut only where it is green.

1. Cut after flowering, at the end of summer, so that it can heal before the cold.
2. On each stem, find the lowest green leaves. Cut a finger's width above them, never below.
3. Shape it like a hedgehog, round and low.
4. Do the same lightly each year.

And take ten cuttings at the same time: tips as long as a finger, lower leaves off, pushed into sandy soil in a pot, in the shade, just moist. By spring some will have roots. Then the same plant goes on for years.""",
        asker="fern.lanternby",
        answerer="clover.quillfeather",
        plot=Plot.ANSWERED,
        day=2,
        hour=20,
    ),
    Story(
        topic="garden",
        language="en",
        size="large",
        title="How do I plan a balcony that has something in flower from spring to autumn?",
        body="""My balcony is four metres by one, faces west, and gets wind. I can lift pots of about ten kilos, not more. I would like something in flower from March to October, for bees if possible, without buying everything new each month. Could you draw up a simple plan: what to plant, when, and in how many pots?""",
        answer="""Seven pots are enough, if each has two shifts. Use light plastic pots inside nicer ones, none wider than thirty centimetres, and you can lift them all.

1. Three pots of bulbs under pansies, planted in autumn. Pansies flower from March, crocus and small daffodils come through them.
2. Two pots of herbs: thyme and chives. They flower in May and June, the bees come, and you can cook with them.
3. One pot with a low, bushy lavender at the windy end. It does not mind wind, and it flowers in July.
4. One long box on the floor along the rail, with geraniums from May to October.

In late May, when the pansies tire, sow nasturtiums in their place, on top of the sleeping bulbs. They flower until October and cost one packet of seed. In autumn, pull them out and put in new pansies.

Calendar: March, feed the herbs. May, geraniums out. June, cut the thyme back by a third. August, trim the lavender. October, bulbs and pansies. Water in the morning, and in summer check each evening, since wind dries pots faster than sun.""",
        asker="juniper.mossbank",
        answerer="clover.quillfeather",
        plot=Plot.QUEUED,
        day=2,
        hour=18,
    ),
    Story(
        topic="daily",
        language="en",
        size="small",
        title="How do I get candle wax out of a cotton tablecloth?",
        body="""A red candle dripped on my best white tablecloth on Sunday. It is thick cotton and can be washed hot. I scraped a little with a knife, but there is still a hard patch and a pink stain round it. Before I make it worse: what comes first, cold or heat?""",
        answer="""Cold first, then warmth, and the colour last.

1. Put the cloth in the freezer for an hour, in a bag. Then break the wax and lift it off with a spoon, not a knife.
2. Lay the patch between two sheets of plain kitchen paper. Press with a warm iron, no steam. Move to clean paper until no more wax comes.
3. For the pink that stays, dab from the back with a cloth and a little rubbing alcohol, near an open window and away from any flame. Try it on the hem before.
4. Wash as hot as the label allows.

Look at it before you dry it. Heat from a dryer fixes what is left, so if it is still pink, repeat steps three and four.""",
        asker="wren.kettlewood",
        answerer="clover.quillfeather",
        plot=Plot.ACCEPTED,
        day=5,
        hour=13,
    ),
    Story(
        topic="daily",
        language="en",
        size="large",
        title="Can you help me plan four slow days by train with my mother, who walks little?",
        body="""My mother is eighty-one and would like to see the sea again. We have four days in early June and want to travel by train, with no more than three hours a day. She walks about three hundred metres and then needs a bench. How do I choose the place, the trains and the rooms so that nobody ends up tired and cross?""",
        answer="""Choose one place and stay there. Three nights in one bed are worth more than three views.

1. The place: a small seaside town with a direct train, a flat promenade with benches, and a station within a short taxi ride.
2. The train: late morning, so that nobody hurries. Book two seats near the door and the toilet, and ask the railway for help with getting on and off, at least a day before.
3. The room: ground floor or a lift you have asked about by telephone, a walk-in shower, a chair by the window.
4. The days: one outing in the morning, a long lunch, a rest, then a bench by the water in the evening.

First day: travel, a short walk, early supper. Second: promenade and an ice cream. Third: a boat or a little bus round the bay, both sitting down. Fourth: breakfast, the shop for postcards, home.

Carry one small bag each, a folding stool and a flask. And leave one afternoon empty on purpose: it will be the one she remembers.""",
        asker="wren.kettlewood",
        answerer="clover.quillfeather",
        plot=Plot.AWAITING_PAYMENT,
        day=0,
        hour=11,
    ),
    Story(
        topic="daily",
        language="en",
        size="medium",
        title="What can I cook the day before for eight people in a very small kitchen?",
        body="""Eight of us for lunch on Saturday, and my kitchen has two rings, a small oven and hardly any room to put things down. One guest eats no meat. I would like to sit at the table too, and not stand at the stove. What can be made the day before and only warmed up?""",
        answer="""One pot, one tray, one bowl: that is all a small kitchen needs.

1. Main dish, the day before: a bean and vegetable stew with tomatoes. It is better on the second day. Fry sausages apart, so that the one guest is served from the same pot.
2. In the oven on the day: a tray of potatoes with oil and rosemary, for fifty minutes.
3. Cold bowl: shredded cabbage, carrot and apple. Dress it in the morning.
4. Sweet: stewed fruit in glasses, with yoghurt on top.

Cool the stew within two hours, keep it in the fridge overnight, and heat it until it bubbles right through.""",
        asker="rowan.puddlewick",
        answerer="clover.quillfeather",
        plot=Plot.REFUND_FAILED,
        day=6,
        hour=17,
    ),
)
